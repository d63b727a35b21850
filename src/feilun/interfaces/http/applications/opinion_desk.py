"""`/v1/apps/public-opinion/desk`: operators act on incidents, and put right what documents say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from feilun.apps.public_opinion.incidents import ACTIONS
from feilun.apps.public_opinion.wording import SENTIMENTS
from feilun.interfaces.http.applications import opinion_queries, public_opinion
from feilun.interfaces.http.error_answers import ErrorAnswer
from feilun.interfaces.http.guard import client_of
from feilun.monitoring.feedback import FeedbackDesk
from feilun.serving.access import Access
from feilun.serving.engine import Engine
from feilun.storage import opinion_counts
from feilun.workflow.applications.public_opinion import desk
from feilun.workflow.applications.public_opinion.wiring import Application

router = APIRouter(
    prefix="/v1/apps/public-opinion", tags=["public opinion"],
    responses={404: {"model": ErrorAnswer, "description": "There is no such incident or document."}},
)  # fmt: skip


class Corrected(BaseModel):
    """What a document says in truth; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    document: str = Field(description="Its key.", min_length=1, max_length=64)
    sentiment: str | None = Field(None, description=", ".join(SENTIMENTS), max_length=20)
    topics: list[str] | None = Field(None, description="Names of the scheme.", max_length=100)
    entities: list[str] | None = Field(None, description="Names of those that are looked for.", max_length=100)
    story: str | None = Field(
        None, description="A document whose story it belongs to; its own key parts it from its story.", max_length=64
    )


def with_public_opinion(create_app: Callable[..., FastAPI], application: Application) -> Callable[..., FastAPI]:
    """Return what makes the service with public opinion in it.

    Args:
        create_app: Makes the service without.
        application: The application; its database is the service's own.
    """

    def create(engine: Engine, feedback: FeedbackDesk | None = None, access: Access | None = None) -> FastAPI:
        own = replace(access or Access(), application=application.settings.application)
        app = create_app(engine, feedback, own)
        app.state.public_opinion = application
        for resource in (public_opinion.router, opinion_queries.router, router):
            app.include_router(resource)
        return app

    return create


def _application(request: Request) -> Application:
    application: Application = request.app.state.public_opinion
    return application


@router.get("/scheme", summary="Topics and companies")
def scheme(request: Request) -> dict[str, Any]:
    """Return what documents are read for: topics with their titles, companies, sentiments, regions, sources."""
    application = _application(request)
    with application.database.read() as connection:
        regions, sources = opinion_counts.regions(connection), opinion_counts.sources(connection)
    return {
        "topics": [{"name": name, "title": title} for name, title in application.scheme.titles.items()],
        "entities": [entity.name for entity in application.gazetteer.entities],
        "sentiments": list(SENTIMENTS),
        "regions": regions,
        "sources": sources,
        "actions": list(ACTIONS),
    }


@router.post("/desk/incidents/{identity}/{action}", summary="Acknowledge, mute, close or reopen an incident")
def act(request: Request, identity: str, action: str) -> dict[str, Any]:
    """Act on an incident; its history says who did."""
    return desk.act(_application(request), identity, action, client_of(request)).to_json()


@router.post("/desk/corrections", summary="Put right what a document says")
def correct(request: Request, body: Corrected) -> dict[str, Any]:
    """Correct what a document says, whom it names, or its story; both are kept, and the numbers follow at once."""
    right = desk.Correction(body.sentiment, body.topics, body.entities, body.story)
    return desk.correct(_application(request), body.document, right, client_of(request))
