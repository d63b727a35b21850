"""`/console`: web pages over the service's own addresses; files of this package, nothing from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from feilun.interfaces.console import session
from feilun.monitoring.feedback import FeedbackDesk
from feilun.serving.access import Access
from feilun.serving.engine import Engine
from feilun.serving.sessions import Sessions

Page = Literal["customer-service", "public-opinion", "recommendation"]

MEDIA = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}  # fmt: skip
FILES = {path.name: path for path in (Path(__file__).parent / "pages").iterdir() if path.suffix in MEDIA}
"""What is there, by name; a path that a browser sends is only ever looked up here."""

SHELL = Path(__file__).parent / "pages" / "page.html"
"""What every page begins with; its script does the rest."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-cache",
}
"""A page runs its own scripts alone, and speaks to this service alone."""

router = APIRouter(prefix="/console", include_in_schema=False)


def with_console(create_app: Callable[..., FastAPI], page: Page) -> Callable[..., FastAPI]:
    """Return what makes a service with its web page in it.

    Args:
        create_app: Makes the service without.
        page: The page of the application that is served.
    """

    def create(engine: Engine, feedback: FeedbackDesk | None = None, access: Access | None = None) -> FastAPI:
        own = with_sessions(access)
        return with_pages(create_app(engine, feedback, own), page, own)

    return create


def with_sessions(access: Access | None) -> Access:
    """Return who may ask, browsers that signed in among them."""
    return replace(access or Access(), sessions=Sessions())


def with_pages(app: FastAPI, page: Page, access: Access) -> FastAPI:
    """Put an application's web page into its service.

    Args:
        app: The service.
        page: The page of the application that is served.
        access: Who may ask, as the service has it, with sessions.
    """
    app.state.access, app.state.page = access, page
    app.include_router(session.router)
    app.include_router(router)
    return app


@router.get("")
def begin(request: Request) -> RedirectResponse:
    """Lead to the application's page, also behind a proxy that puts something before the path."""
    return RedirectResponse(f"console/{request.app.state.page}", 307)


@router.get("/{name}")
def part(request: Request, name: str) -> Response:
    """Return the application's page, or a file of it."""
    if name == request.app.state.page:
        script = f"{name.replace('-', '_')}.js"
        return HTMLResponse(SHELL.read_text(encoding="utf-8").replace("{script}", script), headers=HEADERS)
    if name not in FILES:
        raise HTTPException(404)
    return FileResponse(FILES[name], headers=HEADERS, media_type=MEDIA[FILES[name].suffix])
