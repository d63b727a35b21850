"""`POST /v1/apps/public-opinion/documents`: documents are pushed; on the disk once the answer is there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from feilun.apps.public_opinion.document import NAMES
from feilun.apps.public_opinion.intake import redacted
from feilun.core.remark import Remark
from feilun.interfaces.http.error_answers import ErrorAnswer, error_answer
from feilun.storage import opinion_inbox
from feilun.storage.database import Database

router = APIRouter(prefix="/v1/apps/public-opinion", tags=["public opinion"])

NO_DATABASE = Remark(
    "This service observes nothing, so it has no database for documents.", "这个服务不记录观测，没有存放文档的数据库。"
)
MOST_DOCUMENTS = 1000


class Pushed(BaseModel):
    """Documents as their source tells them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: str = Field("push", description="Who published those that do not say it.", min_length=1, max_length=200)
    documents: list[dict[str, Any]] = Field(
        description="Each with " + "; ".join(f"{name} (or {', '.join(names[1:])})" for name, names in NAMES.items()),
        min_length=1, max_length=MOST_DOCUMENTS,
    )  # fmt: skip


class PushedAnswer(BaseModel):
    """What became of them."""

    taken: int = Field(description="Documents that were queued; one that comes twice will have one effect.")
    waiting: int = Field(description="All that wait.")


EXAMPLES = {
    "one": {
        "summary": "One document",
        "value": {
            "source": "财闻日报",
            "documents": [{"id": "1", "time": "2026-11-24T10:05+08:00", "title": "青禾汽车召回新车", "text": "…"}],
        },
    }
}


@router.post(
    "/documents",
    summary="Push documents",
    status_code=202,
    response_model=PushedAnswer,
    responses={
        404: {"model": ErrorAnswer, "description": "This service has no database."},
        422: {"model": ErrorAnswer, "description": "The body is wrong."},
        503: {"model": ErrorAnswer, "description": "The database refuses; nothing was taken. Send it again."},
    },
)
def push(request: Request, body: Annotated[Pushed, Body(openapi_examples=EXAMPLES)]) -> JSONResponse:
    """Queue documents; `feilun public-opinion run` reads them, and what is no document goes to the dead letters."""
    log = request.app.state.log
    if log is None:
        return error_answer(404, NO_DATABASE, request.headers)
    database: Database = log.database
    with database.write() as connection:
        opinion_inbox.add(connection, body.source, [redacted(record) for record in body.documents])
        waiting = opinion_inbox.waiting(connection)
    return JSONResponse(PushedAnswer(taken=len(body.documents), waiting=waiting).model_dump(), 202)
