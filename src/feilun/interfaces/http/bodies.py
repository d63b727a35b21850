"""Bodies are read within limits before anything looks at them."""

from __future__ import annotations

import asyncio
import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feilun.core.remark import Remark
from feilun.interfaces.http.error_answers import error_answer
from feilun.serving.limits import Limits

LARGE_BYTES = 64 * 1024
"""Bodies above this are looked at on another thread, so that the event loop goes on."""

STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
BRACKET = re.compile(rb"[\[\]{}]")


class Refused(Exception):
    """A body that is not taken.

    Args:
        status: The status of the answer.
        message: What is wrong, in both languages.
    """

    def __init__(self, status: int, message: Remark) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class CheckedBodies:
    """Reads the body of each request, refuses what is too large, too slow, too deep or no UTF-8, and passes the rest.

    Args:
        app: The application inside.
        limits: How much is taken.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body checked."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
            if len(body) > LARGE_BYTES:
                await asyncio.to_thread(check_text, body, self.limits.depth)
            else:
                check_text(body, self.limits.depth)
        except Refused as refused:
            # the rest of the body is not read, so the connection cannot carry another request
            close = {"Connection": "close"}
            await error_answer(refused.status, refused.message, Headers(scope=scope), close)(scope, receive, send)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        """Read a body; what is announced too large is not read at all, and what becomes too large no further."""
        most = self.limits.body_bytes
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced[:20]) > most:
            raise _too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(self.limits.slow_seconds):
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > most:
                        raise _too_large(most)
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError as error:
            seconds = f"{self.limits.slow_seconds:g}"
            late = Remark(f"The body did not arrive within {seconds} s.", f"请求体没有在 {seconds} 秒内传完。")
            raise Refused(408, late) from error


def check_text(body: bytes, depth: int) -> None:
    """Refuse a body that is no UTF-8 or nests JSON too deep.

    Args:
        body: The body.
        depth: The deepest nesting that is taken.

    Raises:
        Refused: If it is one of both.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = Remark(
            f"The body is not UTF-8: byte {error.start} does not belong there.",
            f"请求体不是 UTF-8：第 {error.start} 字节有误。",
        )
        raise Refused(422, wrong) from error
    if body.count(b"[") + body.count(b"{") <= depth:
        return
    now = 0
    for bracket in BRACKET.finditer(STRING.sub(b"", body)):
        now += 1 if bracket[0] in b"[{" else -1
        if now > depth:
            raise Refused(
                422, Remark(f"The body nests JSON more than {depth} deep.", f"请求体的 JSON 嵌套超过 {depth} 层。")
            )


def _too_large(most: int) -> Refused:
    said = Remark(
        f"The body is larger than {most:,} bytes. Send it in parts.", f"请求体超过 {most:,} 字节。请分几次发送。"
    )
    return Refused(413, said)
