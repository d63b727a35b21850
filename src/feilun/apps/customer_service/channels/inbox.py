"""Messages of a platform are turns of conversations; replies go back into them, as the answer, or by a webhook."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from threading import Lock
from typing import Any

from feilun.apps.customer_service.channels.channel import Challenge, Channel, Incoming, Request
from feilun.apps.customer_service.channels.sending import Messenger, posted
from feilun.apps.customer_service.channels.settings import ChannelSettings
from feilun.apps.customer_service.channels.table import CHANNELS, MESSENGERS
from feilun.apps.customer_service.conversations.exchange import Answered
from feilun.apps.customer_service.conversations.lines import Lines
from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.known.entries import identity_of
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.monitoring.alerts import Alerts, Message
from feilun.storage import customer_service_channels as storage

ATTEMPTS, RETRY_SECONDS = 6, 2.0
"""A reply that the platform does not take is sent again after 2, 4, 8, 16 and 32 seconds: later it answers nothing."""

MOST_ADDRESSES = 10_000
"""Conversations of which it is remembered where answers go for a while."""


class Inbox:
    """Takes the messages of one platform.

    What goes out waits in the database, so that it survives a restart, in the order of its conversation.

    Args:
        name: The platform.
        channel: Reads and writes its form.
        desk: Answers.
        replies: Address of the incoming webhook of one group; what has no other way goes there.
        messenger: Sends into the very conversation; None where no account for that is named.
    """

    def __init__(
        self, name: str, channel: Channel, desk: Desk, replies: str | None = None, messenger: Messenger | None = None
    ) -> None:
        self.name = name
        self.channel = channel
        self.desk = desk
        self.replies = replies
        self.messenger = messenger
        self._lines = Lines()
        self._answering: set[str] = set()
        self._answers: dict[str, tuple[str, float]] = {}
        self._changing = Lock()
        self._queue = f"{name} {identity_of(desk.application)}"
        self._open = ExitStack()
        sending = Alerts(
            desk.database, {self._queue: self._send},
            retry_seconds=RETRY_SECONDS, attempts=ATTEMPTS, ordered=True,
        )  # fmt: skip
        self._sending = self._open.enter_context(sending)

    def take(self, request: Request) -> Mapping[str, Any] | str:
        """Answer a request of the platform; a message that came before is not taken again.

        Raises:
            Unverified: If it is not signed as it must be, or too old.
            UsageError: If it is not of the platform's form.
        """
        found = self.channel.read(request)
        if isinstance(found, Challenge):
            return found.answer
        if found is None:
            return {}
        with self._changing:
            if found.event in self._answering:
                return {}
            self._answering.add(found.event)
        try:
            answered = self._answered(found, request.now)
        finally:
            self._answering.discard(found.event)
        if answered is None or answered.turn is None:
            return {}
        return self._replied(found, answered, answered.turn)

    def check_reached(self, conversation: str) -> None:
        """Refuse to take what a person writes where nothing would bring it to the customer.

        Raises:
            UsageError: If there is no way into the conversation, and no webhook.
        """
        if self._way(conversation) is None:
            raise UsageError(
                Remark(
                    f"What people write does not reach {self.name}: nothing sends into this conversation.",
                    f"人工说的话到不了 {self.name}：没有途径发进这个对话。",
                ),
                Remark(
                    "Name the environment variable that holds the account that answers as token, or that of a webhook "
                    f"as replies in [channels.{self.name}].",
                    f"请在 [channels.{self.name}] 里用 token 写明保存应答账号的环境变量，"
                    "或用 replies 写明保存 webhook 的环境变量。",
                ),
            )

    def push(self, conversation: str, turn: str, text: str) -> None:
        """Send what a person wrote.

        Args:
            conversation: Our id of the conversation.
            turn: Id of what was written; it is sent once.
            text: It.
        """
        way = self._way(conversation)
        if way is not None:
            self._tell(turn, way, self.channel.written(text))

    def close(self) -> None:
        """Try once more what is due; what the platform does not take waits for the next start."""
        self._open.close()

    def _answered(self, found: Incoming, now: float) -> Answered | None:
        """Answer a message; None where it was answered before. What was not, for whatever reason, may come again."""
        where = (self.desk.application, self.name)
        with ExitStack() as line:
            line.enter_context(self._lines.turn(found.conversation))  # messages at once begin one conversation
            with self.desk.database.read() as connection:
                if storage.came_before(connection, *where, found.event):
                    return None
                conversation = storage.conversation_of(connection, *where, found.conversation)
            if conversation is not None:
                line.close()
            answered = self.desk.say(found.text, conversation, self.name)
            with self.desk.database.write() as connection:
                storage.remember(connection, *where, found.event, now)
                if conversation is None:
                    storage.link(connection, *where, found.conversation, answered.conversation)
        if found.answers is not None:
            self._remember(answered.conversation, found.answers)
        return answered

    def _replied(self, found: Incoming, answered: Answered, turn: str) -> Mapping[str, Any]:
        """Send a reply, or return it as the answer where there is no other way."""
        message = self.channel.written(answered.reply.text)
        way = self._way(answered.conversation, found.conversation)
        if way is None:
            return message
        self._tell(turn, way, message)
        return {}

    def _remember(self, conversation: str, answers: tuple[str, float]) -> None:
        with self._changing:
            if len(self._answers) >= MOST_ADDRESSES:
                now = time.time()
                self._answers = {own: held for own, held in self._answers.items() if held[1] > now}
            self._answers[conversation] = answers

    def _way(self, conversation: str, key: str | None = None) -> tuple[str, str] | None:
        """Return how a conversation is reached: by its name on the platform, an address of its own, or the webhook."""
        if self.messenger is not None:
            key = key or self._key(conversation)
            if key is not None:
                return "conversation", key
        address, until = self._answers.get(conversation, ("", 0.0))
        if until > time.time():
            return "address", address
        return None if self.replies is None else ("webhook", "")

    def _key(self, conversation: str) -> str | None:
        with self.desk.database.read() as connection:
            return storage.key_of(connection, self.desk.application, self.name, conversation)

    def _tell(self, turn: str, way: tuple[str, str], message: Mapping[str, Any]) -> None:
        body = json.dumps(message, ensure_ascii=False)
        self._sending.tell(Message(turn, json.dumps(way), body), (self._queue,))

    def _send(self, way: str, body: str) -> bool:
        """Send what waited; the account and the webhook are those of now."""
        (kind, value), message = json.loads(way), json.loads(body)
        if kind == "conversation" and self.messenger is not None:
            self.messenger.send(value, message)
        elif kind == "address":
            posted(value, message)
        elif self.replies is not None:
            posted(self.replies, message)
        else:
            return False
        return True


def inboxes(settings: Mapping[str, ChannelSettings], desk: Desk) -> dict[str, Inbox]:
    """Open the platforms of an application, by name; their secrets stand in the environment.

    Raises:
        UsageError: If a variable is not set or not of its form, or an address is neither https nor of this machine.
    """
    read: dict[str, tuple[Channel, str | None, Messenger | None]] = {}
    for name, own in settings.items():
        replies = _variable(own.replies) if own.replies else None
        if replies is not None and not replies.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise UsageError(
                Remark(f"The webhook of {name} is not reached by https.", f"{name} 的 webhook 不是 https。"),
                Remark("Give its https address.", "请给出它的 https 地址。"),
            )
        messenger = MESSENGERS[name](_variable(own.token)) if own.token else None
        read[name] = CHANNELS[name](_variable(own.secret)), replies, messenger
    return {
        name: Inbox(name, channel, desk, replies, messenger) for name, (channel, replies, messenger) in read.items()
    }


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise UsageError(
            Remark(f"The environment variable {name} is not set.", f"环境变量 {name} 没有设置。"),
            Remark("It holds a secret of [channels].", "它保存 [channels] 里的密钥。"),
        )
    return value
