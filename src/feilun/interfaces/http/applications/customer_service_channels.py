"""`/v1/apps/customer-service/channels`: signed messages of platforms; the signature is the token."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from feilun.apps.customer_service.channels import channel
from feilun.apps.customer_service.channels.channel import Unverified
from feilun.apps.customer_service.channels.inbox import Inbox
from feilun.core.remark import Remark
from feilun.interfaces.http.error_answers import error_answer

router = APIRouter(prefix="/v1/apps/customer-service/channels", tags=["customer service"])


@router.get("/{name}", summary="A platform checks the address")
@router.post("/{name}", summary="A platform's message")
async def take(request: Request, name: str) -> Response:
    """Answer a signed request of slack, feishu, dingtalk or wecom."""
    inboxes: dict[str, Inbox] = request.app.state.inboxes
    if name not in inboxes:
        return error_answer(404, Remark(f"There is no channel {name!r}.", f"没有渠道 {name!r}。"), request.headers)
    headers = {key.lower(): value for key, value in request.headers.items()}
    asked = channel.Request(headers, dict(request.query_params), await request.body(), time.time())
    try:
        answer: Any = await run_in_threadpool(inboxes[name].take, asked)
    except Unverified as error:
        return error_answer(401, error.message, request.headers)
    return PlainTextResponse(answer) if isinstance(answer, str) else JSONResponse(answer)
