"""The service over HTTP: one file a resource, errors as JSON, documentation that needs no network."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from feilun import __version__
from feilun.core.errors import FeilunError
from feilun.core.remark import Remark
from feilun.interfaces.http import (
    chat,
    embeddings,
    feedback,
    health,
    metrics,
    models,
    monitoring_metrics,
    predict,
    request_spans,
    requests_log,
)
from feilun.interfaces.http.bodies import CheckedBodies
from feilun.interfaces.http.error_answers import error_answer
from feilun.interfaces.http.faults import said_of, status_of
from feilun.interfaces.http.guard import Guard
from feilun.monitoring.feedback import FeedbackDesk
from feilun.serving.access import Access
from feilun.serving.conversations import Conversations
from feilun.serving.embeddings import Embeddings
from feilun.serving.engine import Engine
from feilun.serving.limits import Overloaded
from feilun.serving.rows import remembered_rows
from feilun.serving.trial import Comparison

DESCRIPTION = """Predictions of fine-tuned models. 微调模型的预测服务。

    curl -X POST localhost:8080/v1/predict/NAME -H 'content-type: application/json' -d '{"texts": ["送餐很快"]}'
"""

log = logging.getLogger(__name__)


def create_app(engine: Engine, desk: FeedbackDesk | None = None, access: Access | None = None) -> FastAPI:
    """Build the application.

    Args:
        engine: Answers; it is started and stopped with the application.
        desk: Takes feedback; its log remembers what is answered, and is started and stopped with the application.
            Without it nothing is remembered.
        access: Who may ask; without it everybody may.

    Returns:
        A FastAPI application.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with desk.log if desk is not None else nullcontext():
            async with engine:
                yield
            app.state.conversations.stop()
            app.state.embeddings.stop()

    app = FastAPIOffline(
        redoc_url=None,
        title="Feilun",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        responses={422: {"description": "The request is wrong; the message says where."}},
    )
    app.state.engine = engine
    app.state.conversations, app.state.embeddings = Conversations(engine.limits), Embeddings(engine.limits)
    app.state.feedback = desk
    app.state.log = desk.log if desk is not None else None
    app.state.figures = metrics.Figures(app.state.log)
    if desk is not None:
        app.state.figures.registry.register(monitoring_metrics.MonitoringMetrics(engine, desk.log.database))
    engine.recalled = lambda model, reason: app.state.figures.recalled.labels(model).inc()
    engine.compared = lambda comparison: _compared(app, comparison)
    app.add_middleware(CheckedBodies, limits=engine.limits)
    app.add_middleware(Guard, access=access or Access())
    app.add_middleware(metrics.Measured, figures=app.state.figures)
    app.add_middleware(request_spans.TracingMiddleware, tracer=engine.tracer)
    app.add_middleware(requests_log.Logged)
    for resource in (predict, chat, embeddings, feedback, models, health, metrics):
        app.include_router(resource.router)
    answer_errors(app)
    return app


def answer_errors(app: FastAPI) -> None:
    """Let an application answer every error as JSON, with the status of its kind."""
    app.add_exception_handler(FeilunError, _feilun_error)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


def _compared(app: FastAPI, comparison: Comparison) -> None:
    """Count what a version in the shadow said, and remember it as its own, so that it is watched before it answers."""
    app.state.figures.compare(comparison)
    if comparison.tried is not None and app.state.log is not None:
        bundle = app.state.engine.bundle(comparison.model.rpartition("@")[0])
        rows = remembered_rows(bundle, comparison.rows)
        app.state.log.observe(comparison.model, rows, comparison.tried, comparison.seconds)


async def _feilun_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FeilunError)  # noqa: S101
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Overloaded) else None
    return error_answer(status_of(error), error.message, request.headers, headers)


async def _wrong_request(request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    found = said_of(faults)
    said = Remark(
        f"The request is wrong: {found}. See /docs for an example.", f"请求有误：{found.chinese}。示例见 /docs。"
    )
    return error_answer(422, said, request.headers)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    path, method, allowed = request.url.path, request.method, (error.headers or {}).get("Allow", "")
    said = {
        404: Remark(f"There is nothing at {path}. See /docs.", f"{path} 不存在。接口说明见 /docs。"),
        405: Remark(
            f"{path} answers {allowed}, not {method}. See /docs.",
            f"{path} 只接受 {allowed}，不接受 {method}。见 /docs。",
        ),
    }.get(error.status_code, str(error.detail))
    return error_answer(error.status_code, said, request.headers, error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # outside of the middleware that gave the id: it is said, and sent, here
    identity = request.scope.get(requests_log.REQUEST, "")
    log.error("%s failed, request %s", request.method, identity, exc_info=error, extra={"facts": {"request": identity}})
    said = Remark(
        f"An unexpected {type(error).__name__}; the service's log has more under {identity}.",
        f"意外的 {type(error).__name__}；详见服务日志中的 {identity}。",
    )
    return error_answer(500, said, request.headers, {requests_log.HEADER.decode(): identity})
