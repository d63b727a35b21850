"""Messages of a platform are turns of conversations; replies go back by its webhook, or as the answer."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.request import Request as Posted
from urllib.request import urlopen

from feilun.apps.customer_service.channels.channel import Challenge, Channel, Incoming, Request
from feilun.apps.customer_service.channels.settings import ChannelSettings
from feilun.apps.customer_service.channels.table import CHANNELS
from feilun.apps.customer_service.conversations.exchange import Answered
from feilun.apps.customer_service.conversations.lines import Lines
from feilun.apps.customer_service.desk import Desk
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.storage import customer_service_channels as storage

SECONDS = 10.0
"""How long a platform's webhook may take."""

log = logging.getLogger(__name__)


class Inbox:
    """Takes the messages of one platform.

    Args:
        name: The platform.
        channel: Reads and writes its form.
        desk: Answers.
        replies: Address of its incoming webhook; None answers in the response.
    """

    def __init__(self, name: str, channel: Channel, desk: Desk, replies: str | None) -> None:
        self.name = name
        self.channel = channel
        self.desk = desk
        self.replies = replies
        self._lines = Lines()
        self._sender = ThreadPoolExecutor(1, thread_name_prefix=f"replies-{name}")  # one: replies keep their order

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
        where = (self.desk.application, self.name)
        with ExitStack() as line:
            line.enter_context(self._lines.turn(found.conversation))  # messages at once begin one conversation
            with self.desk.database.write() as connection:
                if not storage.first_time(connection, *where, found.event, request.now):
                    return {}
                conversation = storage.conversation_of(connection, *where, found.conversation)
            if conversation is not None:
                line.close()
            answered = self._answered(found, conversation)
            if conversation is None:
                with self.desk.database.write() as connection:
                    storage.link(connection, *where, found.conversation, answered.conversation)
        return {} if answered.reply.action == "silent" else self._sent(answered.reply.text)

    def check_reached(self) -> None:
        """Refuse to take what a person writes where nothing would bring it to the customer.

        Raises:
            UsageError: If the platform has no webhook.
        """
        if self.replies is None:
            raise UsageError(
                Remark(
                    f"What people write does not reach {self.name}: it has no webhook.",
                    f"人工说的话到不了 {self.name}：它没有 webhook。",
                ),
                Remark(
                    f"Name the environment variable that holds its address as replies in [channels.{self.name}].",
                    f"请在 [channels.{self.name}] 里用 replies 写明保存其地址的环境变量。",
                ),
            )

    def push(self, text: str) -> None:
        """Send what a person wrote."""
        self._sent(text)

    def _answered(self, found: Incoming, conversation: str | None) -> Answered:
        """Answer a message; one that could not be answered is forgotten, so that it may come again."""
        try:
            return self.desk.say(found.text, conversation, self.name)
        except Exception:
            with self.desk.database.write() as connection:
                storage.forget(connection, self.desk.application, self.name, found.event)
            raise

    def close(self) -> None:
        """Wait until all replies are sent."""
        self._sender.shutdown()

    def _sent(self, text: str) -> Mapping[str, Any]:
        message = self.channel.written(text)
        if self.replies is None:
            return message
        self._sender.submit(_post, self.replies, message)
        return {}


def inboxes(settings: Mapping[str, ChannelSettings], desk: Desk) -> dict[str, Inbox]:
    """Open the platforms of an application, by name; their secrets stand in the environment.

    Raises:
        UsageError: If a variable is not set, or an address is neither https nor of this machine.
    """
    found = {}
    for name, own in settings.items():
        replies = _variable(own.replies) if own.replies else None
        if replies is not None and not replies.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise UsageError(
                Remark(f"The webhook of {name} is not reached by https.", f"{name} 的 webhook 不是 https。"),
                Remark("Give its https address.", "请给出它的 https 地址。"),
            )
        found[name] = Inbox(name, CHANNELS[name](_variable(own.secret)), desk, replies)
    return found


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise UsageError(
            Remark(f"The environment variable {name} is not set.", f"环境变量 {name} 没有设置。"),
            Remark("It holds a secret of [channels].", "它保存 [channels] 里的密钥。"),
        )
    return value


def _post(address: str, message: Mapping[str, Any]) -> None:
    body = json.dumps(message, ensure_ascii=False).encode()
    try:
        with urlopen(Posted(address, body, {"Content-Type": "application/json"}), timeout=SECONDS):  # noqa: S310
            pass
    except OSError as error:
        log.warning("A reply was not taken by the platform: %s", error)
