"""`/v1/apps/customer-service/socket`: a WebSocket for a widget; says turns, hears replies and what people write."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket

from feilun.core.errors import FeilunError
from feilun.core.remark import Remark
from feilun.interfaces.http.applications.customer_service_talk import Talk
from feilun.interfaces.http.error_answers import error_answer
from feilun.interfaces.http.faults import status_of
from feilun.interfaces.http.guard import client_of
from feilun.serving.sockets import Sockets

Channel = Literal["web", "feishu", "dingtalk", "wecom", "slack", "other"]

PROTOCOL = "feilun"
"""The protocol that is chosen where a client names several."""

NO_SOCKET = Remark(
    "This address speaks WebSocket. The service does where it was installed with feilun[customer-service].",
    "这个地址使用 WebSocket 协议。服务须安装 feilun[customer-service] 才支持。",
)

router = APIRouter(prefix="/v1/apps/customer-service", tags=["customer service"])

log = logging.getLogger(__name__)


@router.get("/socket", include_in_schema=False)
def no_socket(request: Request) -> JSONResponse:
    """Say what a request is to be here."""
    return error_answer(426, NO_SOCKET, request.headers, {"Upgrade": "websocket", "Connection": "Upgrade"})


@router.websocket("/socket")
async def talk(
    socket: WebSocket,
    conversation: Annotated[str | None, Query(max_length=64)] = None,
    after: Annotated[str | None, Query(max_length=64)] = None,
    channel: Channel = "web",
) -> None:
    """Hold a conversation: each message is {"text": …}, each answer an event {"event": …}.

    `open` tells the conversation, `reply` holds what `POST turns` gives, `turn` what a person wrote, and first what was
    said after the turn `after`, `error` a fault; the socket stays open then.
    """
    sockets: Sockets = socket.app.state.engine.sockets
    began = time.perf_counter()
    with ExitStack() as open_for:
        try:
            leaving = open_for.enter_context(sockets.admitted())
            own = Talk(socket, socket.app.state.customer_service, conversation, channel, open_for)
            missed = await run_in_threadpool(own.missed, after)
        except FeilunError as error:
            await socket.send_denial_response(error_answer(status_of(error), error.message, socket.headers))
            return
        await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
        await own.run(leaving, missed)
        facts = {"client": client_of(socket), "seconds": round(time.perf_counter() - began, 6), "turns": own.taken}
        log.info("SOCKET %s", "/v1/apps/customer-service/socket", extra={"facts": facts})
