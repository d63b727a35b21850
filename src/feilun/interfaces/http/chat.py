"""`POST /v1/chat/completions`: a model that writes answers a conversation, as clients of the OpenAI API ask it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from feilun.bundles.bundle import Bundle
from feilun.bundles.generator import Generator
from feilun.core.decisions.generate import GenerateDecision
from feilun.core.errors import FeilunError, UsageError
from feilun.interfaces.http.chat_observed import ChatObserved
from feilun.interfaces.http.disconnect import cancel_on_disconnect
from feilun.interfaces.http.guard import client_of
from feilun.interfaces.http.openai_errors import RESPONSES, ContextExceeded, OpenAIRoute, body_of, fields_of
from feilun.serving.conversations import Conversations
from feilun.serving.engine import Engine
from feilun.text.decoding import Written, settled

router = APIRouter(prefix="/v1/chat", tags=["OpenAI"], route_class=OpenAIRoute)

MOST_STOPS = 4


class Message(BaseModel):
    """A turn of a conversation."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    def plain(self) -> dict[str, str]:
        """Return role and text; a developer's turn is what was once called a system's."""
        said = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": said}


class TextPart(BaseModel):
    """A part of a turn; only text is read."""

    type: Literal["text"]
    text: str


class StreamOptions(BaseModel):
    """What a stream holds besides the answer."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A conversation, and how it is to be answered; what is not given is as the bundle was trained for."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(description="The model's name; see /v1/models.")
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1, description="Longest answer; no longer than the bundle's own limit.")
    max_completion_tokens: int | None = Field(None, ge=1, description="The same, by its newer name.")
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    n: Literal[1] = 1

    def decision(self, own: GenerateDecision) -> GenerateDecision:
        """Return how the answer is to be written.

        Raises:
            UsageError: If there are too many stop texts, or an empty one.
        """
        stops = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        if len(stops) > MOST_STOPS or not all(stops):
            raise UsageError(f"stop holds {len(stops)} texts.", f"Give 1 to {MOST_STOPS} texts, none of them empty.")
        wanted = self.max_completion_tokens or self.max_tokens or own.max_new_tokens
        return replace(
            own,
            max_new_tokens=min(wanted, own.max_new_tokens),
            temperature=own.temperature if self.temperature is None else self.temperature,
            top_p=own.top_p if self.top_p is None else self.top_p,
            stop=(*own.stop, *stops),
            seed=own.seed if self.seed is None else self.seed,
        )


@dataclass(frozen=True)
class Asked:
    """A request, read and found sound.

    Args:
        created: When it was asked, in seconds since 1970.
        model: name@version of what answers.
        prompt: How many tokens the conversation has.
        decision: How the answer is written.
        written: The answer as it grows.
        observed: Counts and remembers it.
    """

    created: int
    model: str
    prompt: int
    decision: GenerateDecision
    written: AsyncGenerator[Written, None]
    observed: ChatObserved

    def frame(self, kind: str) -> dict[str, Any]:
        """Return the fields that every object of the answer has."""
        return {"id": self.observed.completion, "object": kind, "created": self.created, "model": self.model}

    def observation(self, answer: Written) -> dict[str, str | None]:
        """Remember the whole answer; return the field that names its observation, as predictions have it."""
        (prediction,) = self.decision.decide([answer], ())
        return {"observation": self.observed.answered(prediction)}

    def usage(self, answer: Written) -> dict[str, int]:
        """Return how many tokens were read and written."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": answer.steps,
            "total_tokens": self.prompt + answer.steps,
        }


@router.post("/completions", summary="Answer a conversation", responses=RESPONSES)
async def complete(request: Request, body: ChatRequest) -> Response:
    """Answer a conversation whole, or as a stream of server-sent events; nothing is written on when the client goes."""
    asked = await ask(request, body)
    if not body.stream:
        return JSONResponse(await cancel_on_disconnect(request, _whole(asked)))
    first = await cancel_on_disconnect(request, _first(asked))  # an overloaded service says so before the stream begins
    usage = body.stream_options is not None and body.stream_options.include_usage
    return StreamingResponse(
        _events(asked, first, usage), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def ask(request: Request, body: ChatRequest) -> Asked:
    """Read a request.

    Raises:
        UnknownModel: If no model of that name is served.
        UsageError: If it writes no answers, or the conversation is none that it can answer.
        ContextExceeded: If the conversation leaves no room for an answer.
        TooLarge: If it holds too much.
    """
    engine: Engine = request.app.state.engine
    conversations: Conversations = request.app.state.conversations
    bundle, messages = engine.bundle(body.model), [message.plain() for message in body.messages]
    generator = generator_of(bundle)  # one version from here on, whatever takes its place meanwhile
    engine.limits.check([message["content"] for message in messages])
    decision = body.decision(generator.decision)
    prompt = await asyncio.to_thread(generator.conversation, messages)
    if len(prompt) >= generator.encoder.max_tokens:
        raise ContextExceeded(
            f"The conversation has {len(prompt):,} tokens; with its answer at most {generator.encoder.max_tokens:,} "
            "are read.",
            "Shorten it.",
        )
    written = conversations.write(generator, prompt, decision, client_of(request))
    model, state = f"{body.model}@{bundle.version}", request.app.state
    observed = ChatObserved(state.log, state.figures, model, messages, overridden=decision != generator.decision)
    return Asked(int(time.time()), model, len(prompt), decision, written, observed)


def generator_of(bundle: Bundle) -> Generator:
    """Return what runs a bundle, where it writes answers.

    Raises:
        UsageError: If it does something else.
    """
    if not isinstance(bundle.predictor, Generator):
        task, name = bundle.manifest.get("task", "classify"), bundle.name
        raise UsageError(f"The model {name} writes no answers: its task is {task}.", f"Ask POST /v1/predict/{name}.")
    return bundle.predictor


async def _first(asked: Asked) -> Written:
    return await anext(asked.written)


async def _whole(asked: Asked) -> dict[str, Any]:
    answer = Written()
    async for row in asked.written:
        answer = row
    message = {"role": "assistant", "content": answer.text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish, "logprobs": None}
    frame = asked.frame("chat.completion")
    return {**frame, "choices": [choice], "usage": asked.usage(answer), **asked.observation(answer)}


async def _events(asked: Asked, first: Written, usage: bool) -> AsyncIterator[str]:
    """Yield the answer as server-sent events, each with what it has more than the one before."""
    answer, sent = first, ""
    yield _event(_chunk(asked, {"role": "assistant", "content": ""}))
    try:
        while True:
            shown = settled(answer, asked.decision.stop)
            if len(shown) > len(sent):
                yield _event(_chunk(asked, {"content": shown[len(sent) :]}))
                sent = shown
            if answer.finish is not None:
                break
            answer = await anext(asked.written)
    except FeilunError as error:
        _, kind, code = fields_of(error)
        yield _event({"error": body_of(str(error), kind, None, code)})
        return
    finally:
        await asked.written.aclose()
    yield _event({**_chunk(asked, {}, answer.finish), **asked.observation(answer)})
    if usage:
        yield _event({**asked.frame("chat.completion.chunk"), "choices": [], "usage": asked.usage(answer)})
    yield "data: [DONE]\n\n"


def _chunk(asked: Asked, delta: Mapping[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish, "logprobs": None}
    return {**asked.frame("chat.completion.chunk"), "choices": [choice]}


def _event(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
