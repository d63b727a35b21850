"""Work that ends when its client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

Result = TypeVar("Result")

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for its log; nobody receives it."""


async def cancel_on_disconnect(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Do work for a request, and cancel it when the client closes the connection.

    Args:
        request: The request, its body read.
        work: What is to be done.

    Returns:
        Its result.

    Raises:
        HTTPException: With status 499, if the client went away first.
    """
    asked, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise HTTPException(CLIENT_CLOSED_REQUEST, "The client closed the connection.")
        return asked.result()
    finally:
        asked.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
