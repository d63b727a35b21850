"""`GET /healthz` and `GET /readyz`: is the process alive, and can it answer?"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from feilun.core.remark import Remark
from feilun.interfaces.http.error_answers import ErrorAnswer, error_answer
from feilun.serving.engine import Engine

NOT_READY = Remark("The models are not loaded yet, or the service is stopping.", "模型尚未加载完，或服务正在停止。")

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answer as long as the process lives."""
    return {"status": "ok"}


@router.get(
    "/readyz", summary="Can it answer?", responses={503: {"model": ErrorAnswer, "description": "Not, or not yet."}}
)
async def readyz(request: Request) -> JSONResponse:
    """Answer 200 once every model can predict, and 503 before that and while the service stops."""
    engine: Engine = request.app.state.engine
    if not engine.ready:
        return error_answer(503, NOT_READY, request.headers)
    models = [f"{name}@{bundle.version}" for name, bundle in engine.bundles.items()]
    return JSONResponse({"status": "ready", "models": models})
