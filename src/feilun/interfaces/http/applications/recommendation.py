"""`/v1/apps/recommendation/…`: events in, lists out; one application a process."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict, Field

from feilun import __version__
from feilun.apps.recommendation.answering.answer import Answer
from feilun.apps.recommendation.records.events import read_interaction, read_item
from feilun.apps.recommendation.shop import Shop, Taking
from feilun.apps.recommendation.stored_data import stored_data
from feilun.core.errors import DataError, UsageError
from feilun.interfaces.http import metrics, requests_log
from feilun.interfaces.http.app import answer_errors
from feilun.interfaces.http.bodies import CheckedBodies
from feilun.interfaces.http.error_answers import ErrorAnswer
from feilun.interfaces.http.guard import Guard
from feilun.serving.access import Access
from feilun.serving.limits import Limits
from feilun.storage.async_group_commit import AsyncGroupCommit
from feilun.workflow.applications.recommendation.experiments import concluded

router = APIRouter(prefix="/v1/apps/recommendation", tags=["recommendation"])

MOST_EVENTS = 1000
EXPERIMENT_RESAMPLES = 300
Row = dict[str, Any]


class Events(BaseModel):
    """Interactions of users with items."""

    model_config = ConfigDict(extra="forbid")

    events: list[Row] = Field(
        description="Each with user, item, and where there are type (click), value, time (seconds since 1970, or "
        "ISO 8601), ranking (the id of the list that had shown it) and id (the same id counts once).",
        min_length=1,
        max_length=MOST_EVENTS,
    )


class Items(BaseModel):
    """Items that are new or changed, each with all that is known of it."""

    model_config = ConfigDict(extra="forbid")

    items: list[Row] = Field(
        description="Each with id, title, description, categories, …", min_length=1, max_length=500
    )


class Asked(BaseModel):
    """Who wants a list."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user: str = Field(
        description="Who; one who was never seen gets what is popular and new. May be empty where not personal.",
        max_length=200,
    )
    count: int = Field(10, ge=1, le=200, description="Most items.")
    personal: bool = Field(True, description="False looks at no history, and remembers the list without the user.")
    explain: bool = Field(False, description="Tell what each feature added to the score.")
    liked: list[str] = Field(
        default=[], max_length=50, description="Items that the user says to like; for this list alone, nothing is kept."
    )
    context: dict[str, str] = Field(
        default={},
        max_length=20,
        description="What is known of the moment, of the columns in context.columns: device, …",
    )


EVENTS = {"a click": {"value": {"events": [{"id": "e1", "user": "u7", "item": "tea-1a", "type": "click"}]}}}
ASKED = {"a list": {"value": {"user": "u7", "count": 5, "explain": True}}}


def create_app(shop: Shop, access: Access | None = None, limits: Limits | None = None) -> FastAPI:
    """Build the application.

    Args:
        shop: Answers and remembers.
        access: Who may ask; without it everybody may.
        limits: How much a request may hold.
    """
    app = FastAPIOffline(redoc_url=None, title="Feilun recommendation", version=__version__)
    app.state.shop = shop
    app.state.events = AsyncGroupCommit(shop.take_all)
    app.state.ready = True
    app.state.figures = metrics.Figures()
    app.add_middleware(CheckedBodies, limits=limits or Limits())
    app.add_middleware(Guard, access=access or Access())
    app.add_middleware(metrics.Measured, figures=app.state.figures)
    app.add_middleware(requests_log.Logged)
    for resource in (router, health, metrics.router):
        app.include_router(resource)
    answer_errors(app)
    return app


health = APIRouter(tags=["health"])


@health.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answer as long as the process lives."""
    return {"status": "ok"}


@health.get("/readyz", summary="Can it answer?")
async def readyz(request: Request) -> JSONResponse:
    """Answer 200 while lists can be had, and 503 once the service stops."""
    ready = request.app.state.ready
    return JSONResponse({"status": "ready" if ready else "stopping"}, 200 if ready else 503)


@router.post("/events", summary="Tell what users did", status_code=201, response_model=Taking, responses={
    422: {"model": ErrorAnswer, "description": "An event is wrong; the message says which. None was taken."},
    503: {"model": ErrorAnswer, "description": "Database and disk refuse; none was taken. Send them again."},
})  # fmt: skip
async def take_events(request: Request, body: Annotated[Events, Body(openapi_examples=EVENTS)]) -> JSONResponse:
    """Take events; once answered they are on the disk, and the next list knows them.

    While the database is gone they wait beside it (`waiting`), and what is repeated shows once it is back.
    """
    now = time.time()
    events = [
        _read(number, "event", lambda row=row: read_interaction(row, now)) for number, row in enumerate(body.events)
    ]
    taken = await request.app.state.events.put(events)
    return JSONResponse(asdict(taken), 201)


@router.post("/recommend", summary="Recommend items to a user", response_model=dict[str, Any])
def recommend(request: Request, body: Annotated[Asked, Body(openapi_examples=ASKED)]) -> JSONResponse:
    """Return a list with the reasons; name its `ranking` in the events that follow from it."""
    answer, kept = _shop(request).recommend(
        body.user, body.count, personal=body.personal, explain=body.explain, liked=body.liked, context=body.context
    )
    return JSONResponse({**_told(answer), "remembered": kept})


@router.get("/similar", summary="Items like one")
def similar(
    request: Request,
    item: Annotated[str, Query(description="The item.", max_length=200)],
    count: Annotated[int, Query(ge=1, le=200, description="Most items.")] = 10,
) -> dict[str, Any]:
    """Return the items nearest to one, by its text and by who takes both."""
    found = _shop(request).recommender.similar(item, count)
    return {"item": item, "similar": [{"item": one.id, "title": one.title, "score": score} for one, score in found]}


@router.get("/search", summary="Find items by what is typed")
def search(
    request: Request,
    query: Annotated[str, Query(description="A few words.", max_length=500)],
    user: Annotated[str | None, Query(description="Whose history orders what fits.", max_length=200)] = None,
    count: Annotated[int, Query(ge=1, le=200, description="Most items.")] = 10,
) -> dict[str, Any]:
    """Return the items that fit, by words and by meaning, those first that the user is likely to take."""
    found = _shop(request).recommender.search(query, user, count)
    return {"query": query, "items": [{"item": one.id, "title": one.title, "score": score} for one, score in found]}


@router.get("/questions", summary="Items to ask a newcomer about")
def questions(
    request: Request, count: Annotated[int, Query(ge=1, le=200, description="Most items.")] = 10
) -> dict[str, Any]:
    """Return items that many know and that tell tastes apart; name the liked ones in `liked` of `recommend`."""
    found = _shop(request).recommender.questions(count)
    return {"items": [{"item": one.id, "title": one.title} for one in found]}


@router.get("/context", summary="What is declared of a request's context")
def context(request: Request) -> dict[str, list[str]]:
    """Return the columns that `context` of `recommend` may hold."""
    return {"columns": list(_shop(request).recommender.settings.context.columns)}


@router.get("/experiment", summary="What experiments came to")
def experiment(request: Request) -> dict[str, Any]:
    """Return what followed from the lists of each arm, with intervals over users, and whose items of mixed lists."""
    shop = _shop(request)
    held = stored_data(shop.database, shop.application)
    return asdict(concluded(shop.recommender.settings, held, EXPERIMENT_RESAMPLES))


@router.post("/items", summary="Add or change items", status_code=201)
def put_items(request: Request, body: Items) -> dict[str, int]:
    """Put items into the catalogue; they can be recommended at once, by their texts."""
    creator = _shop(request).recommender.settings.creator
    items = [_read(number, "item", lambda row=row: read_item(row, creator)) for number, row in enumerate(body.items)]
    _shop(request).put(items)
    return {"items": len(items)}


@router.delete("/items/{item:path}", summary="Withdraw an item")
def withdraw(request: Request, item: str) -> dict[str, str]:
    """Take an item out of all lists, at once."""
    _shop(request).withdraw(item)
    return {"withdrawn": item}


@router.delete("/users/{user:path}", summary="Forget a user")
def forget(request: Request, user: str) -> dict[str, int]:
    """Delete all that a user did and was shown."""
    return _shop(request).forget(user)


def _shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


def _read(number: int, kind: str, read: Any) -> Any:
    try:
        return read()
    except DataError as error:
        raise UsageError(f"{kind} {number}: {error}", "None was taken.") from error


def _told(answer: Answer) -> dict[str, Any]:
    return {
        "ranking": answer.id,
        "user": answer.user,
        "version": answer.version,
        "personal": answer.personal,
        "note": answer.note,
        "probability_of": answer.basis,
        "base_rate": answer.base_rate,
        "items": [
            {
                "item": place.item.id, "title": place.item.title, "score": place.score,
                "probability": place.probability, "reason": {"en": place.reason.en, "zh": place.reason.zh},
                "because_of": place.reason.item, "contributions": dict(place.contributions),
                "propensity": place.propensity, "explored": place.explored, "rules": list(place.rules),
            }
            for place in answer.places
        ],
    }  # fmt: skip
