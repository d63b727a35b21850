"""Every request has an id, and leaves a line in the log that says what became of it, without any text of it."""

from __future__ import annotations

import logging
import re
import time
import uuid
from contextvars import ContextVar
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feilun.interfaces.http.guard import CLIENT

HEADER = b"x-request-id"
WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,128}")
REQUEST = "feilun.request"
"""Key of a request's scope that holds its id."""

current: ContextVar[str | None] = ContextVar("request", default=None)
"""The id of the request that is being answered, for whatever is logged meanwhile."""

log = logging.getLogger(__name__)


class Logged:
    """Gives each request an id: the caller's where it is well-formed, else a new one; the answer carries it.

    A line is logged a request: the path as its template, so that no text that came in an address is in it.

    Args:
        app: The application inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identity = scope[REQUEST] = _identity(scope)
        mark = current.set(identity)
        began = time.perf_counter()
        facts: dict[str, Any] = {"status": 500, "sent": 0}

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                facts["status"] = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (HEADER, identity.encode())]}
            facts["sent"] += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            client = scope.get(CLIENT) or (scope["client"][0] if scope.get("client") else "unknown")
            seconds = round(time.perf_counter() - began, 6)
            said = {"method": scope["method"], "path": path, **facts, "seconds": seconds, "client": client}
            log.info("%s %s %d", scope["method"], path, facts["status"], extra={"facts": said})
            current.reset(mark)


def _identity(scope: Scope) -> str:
    sent = [value for name, value in scope["headers"] if name == HEADER]
    if len(sent) == 1 and WELL_FORMED.fullmatch(sent[0]):
        return str(sent[0].decode("ascii"))
    return uuid.uuid4().hex
