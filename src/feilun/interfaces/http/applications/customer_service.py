"""`/v1/apps/customer-service`: turns of customers, the queue of people who take over, feedback, FAQ candidates."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, FastAPI, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from feilun.apps.customer_service.channels.inbox import Inbox
from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.improving.measures import measured_by, unanswered
from feilun.core.errors import UsageError
from feilun.interfaces.http.applications import customer_service_channels, customer_service_socket
from feilun.interfaces.http.applications.customer_service_socket import Channel
from feilun.interfaces.http.applications.customer_service_talk import CUSTOMER, seen_turn
from feilun.interfaces.http.error_answers import ErrorAnswer
from feilun.monitoring.feedback import FeedbackDesk
from feilun.serving.access import Access
from feilun.serving.engine import Engine
from feilun.text.segment import sentences

router = APIRouter(
    prefix="/v1/apps/customer-service",
    tags=["customer service"],
    responses={404: {"model": ErrorAnswer, "description": "There is no such conversation, reply or candidate."}},
)


class Said(BaseModel):
    """What a customer says."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    text: str = Field(description="The message.", max_length=100_000)
    conversation: str | None = Field(None, description="As a former answer named it; left out, one begins.")
    channel: Channel = "web"
    customer: dict[str, str | float | bool] = Field({}, description=CUSTOMER, max_length=50)


class Written(BaseModel):
    """What a person writes to a customer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(min_length=1, max_length=10_000)


class Judged(BaseModel):
    """What a customer says of a reply."""

    model_config = ConfigDict(extra="forbid", strict=True)

    turn: str = Field(description="The `turn` of the reply.", min_length=1, max_length=64)
    helpful: bool
    remark: str | None = Field(None, description="Free words, such as a better answer.", max_length=10_000)


class Rated(BaseModel):
    """What a customer says of a whole conversation."""

    model_config = ConfigDict(extra="forbid", strict=True)

    conversation: str = Field(min_length=1, max_length=64)
    resolved: bool | None = Field(None, description="Is the matter settled?")
    rating: int | None = Field(None, description="How satisfied, 1 to 5.", ge=1, le=5)


class Approved(BaseModel):
    """A candidate as it is to stand in the FAQ: an entry of its own, or a further way to ask one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    entry: str | None = Field(None, description="The entry that it asks; the others are left out then.", max_length=64)
    question: str | None = Field(None, max_length=2_000)
    answer: str | None = Field(None, max_length=10_000)
    category: str = Field("", max_length=200)


EXAMPLES = {"first": {"summary": "A question", "value": {"text": "我的银行卡丢了怎么办？"}}}


def with_customer_service(
    create_app: Callable[..., FastAPI], desk: Desk, inboxes: Mapping[str, Inbox] | None = None
) -> Callable[..., FastAPI]:
    """Return what makes the service with customer service in it.

    Args:
        create_app: Makes the service without.
        desk: The application.
        inboxes: Platforms whose messages it answers.
    """

    def create(engine: Engine, feedback: FeedbackDesk | None = None, access: Access | None = None) -> FastAPI:
        app = create_app(engine, feedback, replace(access or Access(), application=desk.application))
        app.state.customer_service = desk
        app.state.inboxes = dict(inboxes or {})
        app.include_router(router)
        app.include_router(customer_service_channels.router)
        app.include_router(customer_service_socket.router)
        return app

    return create


def _events(reply: Mapping[str, Any]) -> Iterator[str]:
    """Yield a reply as server-sent events; JSON holds no line break that could end one early."""
    named = [("sentence", {"text": sentence}) for sentence in sentences(reply["text"])]
    for name, data in [*named, ("reply", reply)]:
        yield f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.customer_service
    return desk


@router.post("/turns", summary="Say something and get the reply", response_model=None)
def take_turn(
    request: Request, body: Annotated[Said, Body(openapi_examples=EXAMPLES)]
) -> dict[str, Any] | StreamingResponse:
    """Answer a customer's turn; once answered, both are on the disk. Turns of one conversation are ordered.

    With the header `accept: text/event-stream` the reply comes as server-sent events: `sentence` for each sentence of
    its text, and `reply` with all of it.
    """
    answered = _desk(request).say(body.text, body.conversation, body.channel, body.customer)
    reply = answered.to_json()
    if "text/event-stream" in request.headers.get("accept", ""):
        return StreamingResponse(_events(reply), media_type="text/event-stream")
    return reply


@router.get("/turns/{conversation}", summary="What a customer sees")
def seen(request: Request, conversation: str) -> dict[str, Any]:
    """Return what was said, by whom, with citations and options; whoever has the id may ask, as it cannot be guessed.

    This is how a customer's page hears what a person writes.
    """
    return {"turns": [seen_turn(turn) for turn in _desk(request).history(conversation)]}


@router.get("/conversations/{conversation}", summary="What was said")
def history(request: Request, conversation: str) -> dict[str, Any]:
    """Return all turns of a conversation, with the trace of each reply."""
    return {"turns": [asdict(turn) for turn in _desk(request).history(conversation)]}


@router.get("/handoffs", summary="Who waits for a person")
def waiting(request: Request) -> dict[str, Any]:
    """Return the conversations that wait for a person or are with one: most urgent, then longest waiting first."""
    names = ("id", "channel", "speaker", "reason", "priority", "waiting_since")
    now = time.time()
    return {
        "waiting": [
            {**{name: getattr(one, name) for name in names}, "waited": round(now - (one.waiting_since or now), 1)}
            for one in _desk(request).waiting()
        ]
    }


@router.get("/handoffs/{conversation}", summary="Why, and what went before")
def summary(request: Request, conversation: str) -> dict[str, Any]:
    """Return what a person reads who takes a conversation over; all that was said is at `conversations`."""
    return _desk(request).summary(conversation)


@router.get("/handoffs/{conversation}/suggestion", summary="What the bot would say")
def suggestion(request: Request, conversation: str) -> dict[str, Any]:
    """Return what the ladder would answer to the customer's last question, and that question; null without any."""
    found = _desk(request).suggest(conversation)
    if found is None:
        return {"question": None, "suggestion": None}
    return {"question": found.question, "suggestion": found.reply.to_json()}


@router.post("/handoffs/{conversation}/take", summary="A person takes over", status_code=204)
def take(request: Request, conversation: str) -> None:
    """From now on the bot is silent in this conversation."""
    _desk(request).take(conversation)


@router.post("/handoffs/{conversation}/turns", summary="A person writes")
def write(request: Request, conversation: str, body: Written) -> dict[str, str]:
    """Write to the customer; the conversation must have been taken."""
    inbox: Inbox | None = request.app.state.inboxes.get(_desk(request).channel_of(conversation))
    if inbox is not None:
        inbox.check_reached(conversation)
    turn = _desk(request).write(conversation, body.text)
    if inbox is not None:
        inbox.push(conversation, turn, body.text)
    return {"turn": turn}


@router.post("/handoffs/{conversation}/give-back", summary="The bot answers again", status_code=204)
def give_back(request: Request, conversation: str) -> None:
    """Give a conversation back to the bot."""
    _desk(request).give_back(conversation)


@router.post("/feedback", summary="Did a reply help?", status_code=204)
def judge(request: Request, body: Judged) -> None:
    """Take what a customer says of a reply; one that did not help makes its question a candidate."""
    _desk(request).learning.judge(body.turn, helpful=body.helpful, remark=body.remark)


@router.post("/ratings", summary="Is it settled, and how satisfied?", status_code=204)
def rate(request: Request, body: Rated) -> None:
    """Take what a customer says of a whole conversation."""
    _desk(request).rate(body.conversation, resolved=body.resolved, rating=body.rating)


@router.get("/measures", summary="How well customers are served")
def measures(
    request: Request,
    by: Literal["all", "day", "channel", "intent"] = "all",
    days: Annotated[int, Query(ge=1, le=3660)] = 30,
) -> dict[str, Any]:
    """Return figures of the conversations that began in the last days, and what found no answer."""
    desk = _desk(request)
    held = desk.held(days)
    return {
        "measures": {name: own.to_json() for name, own in measured_by(held, by, desk.costs).items()},
        "unanswered": [{"question": question, "asked": asked} for question, asked in unanswered(held)],
    }


@router.get("/candidates", summary="Questions that may come into the FAQ")
def candidates(request: Request) -> dict[str, Any]:
    """Return open candidates, the most asked first."""
    return {"candidates": [asdict(one) for one in _desk(request).learning.candidates()]}


@router.get("/candidates/{candidate}/similar", summary="Which entries may ask the same")
def similar(request: Request, candidate: str) -> dict[str, Any]:
    """Return the entries of the FAQ that a candidate may be a further way to ask, the most probable first."""
    found = _desk(request).learning.similar(candidate)
    return {"entries": [{"id": one.id, "question": one.question, "answer": one.answer} for one in found]}


@router.post("/candidates/{candidate}/approve", summary="Put one into the FAQ")
def approve(request: Request, candidate: str, body: Approved) -> dict[str, Any]:
    """Put a candidate into the FAQ; the next question finds it, without retraining."""
    learning = _desk(request).learning
    if body.entry is None:
        entry = learning.approve(candidate, question=body.question, answer=body.answer, category=body.category)
    elif body.question or body.answer or body.category:
        raise UsageError("A further way to ask an entry has no answer of its own.", "Give `entry` alone.")
    else:
        entry = learning.approve_as(candidate, body.entry)
    return {"entry": entry.id, "question": entry.question, "answer": entry.answer}


@router.post("/candidates/{candidate}/reject", summary="Leave one out", status_code=204)
def reject(request: Request, candidate: str) -> None:
    """Leave a candidate out of the FAQ for good."""
    _desk(request).learning.reject(candidate)
