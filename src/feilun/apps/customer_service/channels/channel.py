"""The shape of a channel: it checks that a request comes from its platform, and reads and writes its form."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from feilun.core.errors import FeilunError
from feilun.core.remark import Remark

REPLAY_SECONDS = 300.0
"""How old a signed request may be, and how far ahead its clock."""


class Unverified(FeilunError):
    """A request does not show that it comes from the platform."""


@dataclass(frozen=True)
class Request:
    """A request of a platform.

    Args:
        headers: By name in lower case.
        query: Of its address.
        body: As it came: signatures are over its bytes.
        now: Seconds since 1970.
    """

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    now: float


@dataclass(frozen=True)
class Challenge:
    """A request that asks whether the address is ours.

    Args:
        answer: What is to be answered, as JSON or as text.
    """

    answer: Mapping[str, Any] | str


@dataclass(frozen=True)
class Incoming:
    """A message of a customer.

    Args:
        event: Names it: a platform sends a message again where the answer is slow.
        conversation: Names the conversation on the platform.
        text: What is said.
        answers: Address of the platform to which answers in this very conversation go for a while, and until when,
            seconds since 1970; None where it names none.
    """

    event: str
    conversation: str
    text: str
    answers: tuple[str, float] | None = None


class Channel(Protocol):
    """A platform."""

    def read(self, request: Request) -> Challenge | Incoming | None:
        """Return what a request asks; None where it is nothing to answer, such as the bot's own message.

        Raises:
            Unverified: If it is not signed as it must be, or too old.
            UsageError: If it is not of the platform's form.
        """
        ...

    def written(self, text: str) -> dict[str, Any]:
        """Return a message in the form that the platform's incoming webhook takes."""
        ...


def fresh(stamp: str, now: float) -> None:
    """Refuse a time that is no number, too long ago or ahead, so that a recorded request cannot be sent again.

    Raises:
        Unverified: If it is one of these.
    """
    if not stamp.isascii() or not stamp.isdigit() or abs(now - int(stamp[:15])) > REPLAY_SECONDS:
        raise Unverified(
            Remark(
                f"The request's time {stamp[:20]!r} is not within {REPLAY_SECONDS:g} s.",
                f"请求的时间 {stamp[:20]!r} 与现在相差超过 {REPLAY_SECONDS:g} 秒。",
            ),
            Remark("Check the clocks.", "请核对时钟。"),
        )


def same(sent: str, wanted: str) -> None:
    """Refuse a signature that is not the wanted one, in a time that tells nothing of it.

    Raises:
        Unverified: If they differ.
    """
    if not hmac.compare_digest(sent.encode(), wanted.encode()):
        raise Unverified(
            Remark("The request's signature is wrong.", "请求的签名不对。"),
            Remark("Check the channel's secret on both sides.", "请核对两边的渠道密钥。"),
        )
