"""One WebSocket and its conversation: messages come in, replies and what people write go out, each in its order."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from feilun.apps.customer_service.conversations.exchange import Answered
from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.improving.learning import UnknownConversation
from feilun.core.errors import FeilunError
from feilun.core.remark import Remark, said_in
from feilun.interfaces.http.bodies import Refused, check_text
from feilun.interfaces.http.error_answers import language_of
from feilun.interfaces.http.faults import said_of, status_of
from feilun.storage.customer_service import Turn

CUSTOMER = "What the business tells of the customer: decision tables look at it, and slots of its names are filled."

WAITING = 8
"""Messages of one socket that wait for their answer to be sent; further ones are not read until then."""

GOING_AWAY = 1001
"""The code with which a socket is closed when the service stops (RFC 6455, 7.4.1)."""

log = logging.getLogger(__name__)


class Spoken(BaseModel):
    """What a customer says over a socket."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    text: str = Field(description="The message.", max_length=100_000)
    customer: dict[str, str | float | bool] = Field({}, description=CUSTOMER, max_length=50)


def seen_turn(turn: Turn) -> dict[str, Any]:
    """Return a turn as a customer sees it."""
    reply = turn.reply or {}
    shown = {name: reply.get(name) for name in ("action", "citations", "options")}
    return {
        "id": turn.id, "time": turn.time, "speaker": turn.speaker, "text": turn.text, "helpful": turn.helpful, **shown,
    }  # fmt: skip


class Talk:
    """A socket and its conversation; all of it runs on the event loop, but for the answering.

    Args:
        socket: The socket.
        desk: The application.
        conversation: The conversation; None begins one with the first message.
        channel: Where it is held.
        open_for: Ends with the socket; until then it hears what people write.
    """

    def __init__(
        self, socket: WebSocket, desk: Desk, conversation: str | None, channel: str, open_for: ExitStack
    ) -> None:
        self.socket, self.desk, self.channel = socket, desk, channel
        self.conversation: str | None = None
        self.taken = 0
        self._open_for = open_for
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[tuple[str, bool] | None] = asyncio.Queue()
        self._told: set[str] = set()
        self._places = asyncio.Semaphore(WAITING)
        self._answering: set[asyncio.Task[None]] = set()
        if conversation is not None:
            self._hold(conversation)

    def missed(self, after: str | None) -> list[Turn]:
        """Return the turns after one; none where none is named.

        Raises:
            UnknownConversation: If the application has no such conversation, or that no such turn.
        """
        if self.conversation is None:
            return []
        turns = self.desk.history(self.conversation)
        places = [place for place, turn in enumerate(turns) if turn.id == after]
        if after is not None and not places:
            raise UnknownConversation(f"The conversation has no turn {after!r}.", "Leave `after` out.")
        return turns[places[0] + 1 :] if places else []

    async def run(self, leaving: asyncio.Event, missed: Sequence[Turn]) -> None:
        """Hear and say until the client goes, or the service stops: then what was taken is answered first."""
        self._say("open", {"conversation": self.conversation})
        for turn in missed:
            self._tell(turn)
        reading, writing = asyncio.create_task(self._read()), asyncio.create_task(self._write())
        left = asyncio.create_task(leaving.wait())
        await asyncio.wait({reading, writing, left}, return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()
        left.cancel()
        await asyncio.gather(reading, left, *self._answering, return_exceptions=True)
        self._events.put_nowait(None)
        await writing
        if leaving.is_set() and self.socket.application_state is WebSocketState.CONNECTED:
            await self.socket.close(GOING_AWAY, "The service stops. Connect again.")

    async def _read(self) -> None:
        """Take messages in their order; the conversation has to have begun before a second one is taken."""
        while (message := await self.socket.receive())["type"] != "websocket.disconnect":
            said = await self._understood(message)
            if said is None:
                continue
            await self._places.acquire()
            heard = asyncio.Event()
            answering = asyncio.create_task(self._answer(said, heard))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)
            await (asyncio.wait({answering}) if self.conversation is None else heard.wait())

    async def _understood(self, message: Mapping[str, Any]) -> Spoken | None:
        """Return what a message says; one that is wrong is answered with its fault."""
        body = str(message.get("text") or "").encode("utf-8", "surrogatepass")
        try:
            await asyncio.to_thread(check_text, body, self.socket.app.state.engine.limits.depth)
            return Spoken.model_validate_json(body)
        except Refused as refused:
            self._fault(refused.status, refused.message)
        except ValidationError as error:
            found = said_of([dict(fault) for fault in error.errors()])
            self._fault(422, Remark(f"The message is wrong: {found}.", f"消息有误：{found.chinese}。"))
        return None

    async def _answer(self, said: Spoken, heard: asyncio.Event) -> None:
        """Answer a message on another thread; once it is heard it has its place in the conversation's line."""

        def answer() -> Answered:
            taken = self.desk.hear(said.text, self.conversation, self.channel, said.customer)
            self._loop.call_soon_threadsafe(heard.set)
            return self.desk.answer(taken)

        try:
            answered = await run_in_threadpool(answer)
        except FeilunError as error:
            self._fault(status_of(error), error.message, frees=True)
        except Exception as error:
            log.exception("A turn over a socket failed.")
            kind = type(error).__name__
            said_of_it = Remark(f"An unexpected {kind}; the service's log has more.", f"意外的 {kind}；详见服务日志。")
            self._fault(500, said_of_it, frees=True)
            heard.set()
        else:
            self.taken += 1
            if self.conversation is None:
                self._hold(answered.conversation)
            self._say("reply", answered.to_json(), frees=True)

    async def _write(self) -> None:
        """Send what there is to say; a message's place is free once its answer was sent."""
        try:
            while (event := await self._events.get()) is not None:
                text, frees = event
                await self.socket.send_text(text)
                if frees:
                    self._places.release()
        except WebSocketDisconnect:
            return

    def _hold(self, conversation: str) -> None:
        """Hold a conversation from now on: hear what people write in it."""
        self.conversation = conversation
        self._open_for.enter_context(self.desk.listeners.hearing(conversation, self._hear))

    def _hear(self, turn: Turn) -> None:
        """Be told of a turn, on whatever thread."""
        self._loop.call_soon_threadsafe(self._tell, turn)

    def _tell(self, turn: Turn) -> None:
        if turn.id not in self._told:  # one may be missed and heard at the same moment
            self._told.add(turn.id)
            self._say("turn", seen_turn(turn))

    def _fault(self, status: int, message: str, *, frees: bool = False) -> None:
        told = said_in(language_of(self.socket.headers), message)
        self._say("error", {"status": status, "error": {"message": told}}, frees=frees)

    def _say(self, event: str, fields: Mapping[str, Any], *, frees: bool = False) -> None:
        text = json.dumps({"event": event, **fields}, ensure_ascii=False)
        self._events.put_nowait((text.encode("utf-8", "backslashreplace").decode(), frees))
