"""`/v1/session`: a browser signs in with a token once; a cookie that no script can read holds the session's name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field

from feilun.interfaces.http.guard import TOKEN, cookie_of
from feilun.serving.access import Access
from feilun.storage.tokens import SCOPES, Token

router = APIRouter(prefix="/v1/session", tags=["session"])

PATH = "/v1"
"""The cookie is sent to addresses with data alone."""


class SessionAnswer(BaseModel):
    """Who is signed in."""

    name: str | None = Field(description="The token's name; null where the service asks for none.")
    scopes: list[str] = Field(description="What it may do.")


@router.post("", summary="Sign in")
def sign_in(
    request: Request, response: Response, authorization: Annotated[str, Header(include_in_schema=False)] = ""
) -> SessionAnswer:
    """Begin a session for the token of the header, which the guard found to be valid."""
    access: Access = request.app.state.access
    secret = authorization.partition(" ")[2]
    if access.tokens is not None and access.sessions is not None and secret:
        response.set_cookie(
            cookie_of(request.scope), access.sessions.open(secret), path=PATH, httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
    return _signed_in(request)


@router.get("", summary="Who is signed in")
def signed_in(request: Request) -> SessionAnswer:
    """Return whose session it is."""
    return _signed_in(request)


@router.delete("", summary="Sign out")
def sign_out(request: Request, response: Response) -> None:
    """End the session."""
    access: Access = request.app.state.access
    name = request.cookies.get(cookie_of(request.scope))
    if access.sessions is not None and name is not None:
        access.sessions.close(name)
    response.delete_cookie(cookie_of(request.scope), path=PATH)


def _signed_in(request: Request) -> SessionAnswer:
    token: Token | None = request.scope.get(TOKEN)
    return SessionAnswer(
        name=token.name if token else None,
        scopes=[scope for scope in SCOPES if token is None or token.allows(scope)],
    )
