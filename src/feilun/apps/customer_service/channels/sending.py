"""What we say goes out to a platform by HTTPS: to its own hosts, without redirects, and a refusal is one."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from http.client import HTTPMessage
from typing import IO, Any, Protocol
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from feilun.core.errors import UsageError
from feilun.core.remark import Remark

SECONDS = 8.0
"""How long a platform may take."""

LONGEST = 64 * 1024
"""Bytes of an answer that are read."""

REFUSALS = ("errcode", "code", "StatusCode")
"""Numbers by which DingTalk and WeCom, Feishu, and Feishu's webhooks say what is wrong; 0 is that nothing is."""


class Refused(OSError):
    """A platform takes no message."""


class Messenger(Protocol):
    """Sends messages into the conversation of a platform that they belong to."""

    def send(self, conversation: str, message: Mapping[str, Any]) -> None:
        """Send a message.

        Args:
            conversation: As `Incoming` named it.
            message: As `Channel.written` made it.

        Raises:
            OSError: If it is not taken.
        """
        ...


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow none: it could lead anywhere."""


_OPENER = build_opener(_NoRedirect())


def posted(
    address: str, message: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """Send JSON and return the platform's answer.

    Args:
        address: Where to; it may hold a secret, and stands in no message.
        message: The body; None asks without one.
        headers: Further ones.

    Raises:
        OSError: If the platform cannot be reached or refuses; many say so with status 200.
    """
    body = None if message is None else json.dumps(message, ensure_ascii=False).encode()
    asked = Request(address, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})  # noqa: S310
    with _OPENER.open(asked, timeout=SECONDS) as response:
        told = response.read(LONGEST)
    try:
        answer = json.loads(told)
    except ValueError:  # Slack's webhooks answer `ok`
        return {}
    if not isinstance(answer, dict):
        return {}
    wrong = answer.get("ok") is False or any(answer.get(name) not in {0, None} for name in REFUSALS)
    if wrong:
        raise Refused(f"the platform answers {str(told, 'utf-8', 'replace')[:300]}")
    return answer


def is_of(address: str, hosts: Collection[str]) -> bool:
    """Say whether an address is reached by https, at one of some hosts, at the usual port, and names no user."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and parts.netloc.lower() in hosts
    except ValueError:
        return False


def check_parts(secret: str, form: str) -> None:
    """Refuse what names the account that sends in another form; it is not shown.

    Args:
        secret: The parts, with a colon between them.
        form: How many there must be, by their names.

    Raises:
        UsageError: If there are fewer or more, or one is empty.
    """
    parts = secret.split(":")
    if len(parts) != form.count(":") + 1 or not all(parts):
        raise UsageError(
            Remark("The variable of channels' token is not of its form.", "渠道 token 的环境变量格式不对。"),
            Remark(f"It holds {form}.", f"它应为 {form}。"),
        )
