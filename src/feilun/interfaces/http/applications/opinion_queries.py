"""`GET /v1/apps/public-opinion/…`: trends, companies compared, incidents, new themes, search, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from feilun.apps.public_opinion.emergent import find_emergent
from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.intake import WIDTH
from feilun.apps.public_opinion.queries import Question, document_json, search
from feilun.apps.public_opinion.report import incident_documents
from feilun.apps.public_opinion.summary import summary
from feilun.apps.public_opinion.tables import MEDIA_TYPES, TableForm, documents_table, trends_table
from feilun.apps.public_opinion.trends import Side, Trend, compared, trends, trends_by
from feilun.core.errors import NotFound, nearest
from feilun.interfaces.http.error_answers import ErrorAnswer
from feilun.storage import opinion

router = APIRouter(
    prefix="/v1/apps/public-opinion",
    tags=["public opinion"],
    responses={404: {"model": ErrorAnswer, "description": "There is no database, or no such incident."}},
)

DAY = 86_400.0
MOST_FOUND, MOST_EXPORTED = 500, 50_000

Days = Annotated[float | None, Query(gt=0, description="Only the last so many days before the last document.")]
Moment = Annotated[float | None, Query(ge=0, le=1e11, description="Seconds since 1970; `until` is not included.")]
Text = Annotated[str, Query(max_length=200)]
Names = Annotated[Sequence[str], Query(max_length=20, description="May be given again.")]
Form = Annotated[TableForm, Query(alias="format", description="csv or parquet.")]


@contextmanager
def _reading(request: Request) -> Iterator[Connection]:
    log = request.app.state.log
    if log is None:
        raise NotFound("This service observes nothing, so it has no database of documents.")
    with log.database.read() as connection:
        yield connection


def _question(
    days: Days = None,
    words: Text = "",
    entity: Text = "",
    topic: Text = "",
    sentiment: Annotated[str, Query(pattern="^(negative|neutral|positive)?$")] = "",
    source: Text = "",
    region: Text = "",
    since: Moment = None,
    until: Moment = None,
) -> tuple[Question, float | None]:
    return Question(words, entity, topic, sentiment, source, region, since, until), days


Asked = Annotated[tuple[Question, float | None], Depends(_question)]


@router.get("/trends", summary="Numbers over time, by company, topic, source or region")
def get_trends(
    request: Request,
    by: Side = "entity",
    entity: Text = "",
    topic: Text = "",
    source: Text = "",
    region: Text = "",
    days: Days = None,
) -> JSONResponse:
    """Return a series for each entity, topic, source or region, the largest first; an empty name is all together."""
    with _reading(request) as connection:
        width, since = _width(connection), opinion.since_days(connection, days)
        asked: dict[str, Any] = {"since": since, "source": source, "region": region, "weeks": True}
        found = trends_by(connection, width, by, **asked, entity=entity, topic=topic)
        everything = trends(connection, width, **asked, topic="", entity="")
    return _series(found, everything)


@router.get("/compare", summary="Companies, topics, sources and regions side by side")
def compare(
    request: Request,
    entity: Names = (),
    topic: Names = (),
    source: Names = (),
    region: Names = (),
    days: Days = None,
) -> JSONResponse:
    """Return a series for each combination of what is named, in that order: several companies, or one in regions.

    What is not named is all together. `unknown` lists names of which nothing is told.
    """
    with _reading(request) as connection:
        width, since = _width(connection), opinion.since_days(connection, days)
        asked: dict[str, Any] = {"since": since, "weeks": True}
        everything = trends(connection, width, **asked, topic="", entity="")
        sides: dict[Side, Sequence[str]] = {"entity": entity, "topic": topic, "source": source, "region": region}
        found, unknown = compared(connection, width, sides, **asked)
    return _series(found, everything, unknown=unknown)


@router.get("/incidents", summary="Incidents with their causes")
def get_incidents(
    request: Request, state: Annotated[str, Query(pattern="^(open|acknowledged|muted|closed)?$")] = ""
) -> dict[str, Any]:
    """Return all incidents, or those of one state, the latest first."""
    with _reading(request) as connection:
        found, width = [Incident.from_json(row.facts) for row in opinion.incidents(connection)], _width(connection)
    kept = [one for one in reversed(found) if state in {"", one.state}]
    return {"seconds": width, "incidents": [{**one.to_json(), "summary": summary(one)} for one in kept]}


@router.get("/incidents/{identity}/documents", summary="The documents of an incident")
def get_incident_documents(
    request: Request, identity: str, limit: Annotated[int, Query(ge=1, le=MOST_FOUND)] = 100
) -> dict[str, Any]:
    """Return the documents that an incident counts."""
    with _reading(request) as connection:
        facts = {row.id: row.facts for row in opinion.incidents(connection)}
        if identity not in facts:
            known = nearest(identity, facts) if facts else "There is none at all."
            raise NotFound(f"There is no incident {identity!r}.", known)
        rows = incident_documents(connection, Incident.from_json(facts[identity]), _width(connection))
    return {"total": len(rows), "documents": [document_json(row) for row in rows[:limit]]}


@router.get("/emergent", summary="Themes that no topic takes")
def get_emergent(request: Request, days: Annotated[float, Query(gt=0, le=366)] = 7.0) -> dict[str, Any]:
    """Return what documents of the last days without a topic have in common, what grows first."""
    with _reading(request) as connection:
        return find_emergent(connection, days).to_json()


@router.get("/search", summary="Documents by their words, company, topic or sentiment")
def get_search(
    request: Request, asked: Asked, limit: Annotated[int, Query(ge=1, le=MOST_FOUND)] = 50
) -> dict[str, Any]:
    """Return documents, the latest first."""
    with _reading(request) as connection:
        return {"documents": search(connection, _timed(connection, asked), limit)}


@router.get("/export", summary="Documents as a table", response_class=Response)
def export(
    request: Request, asked: Asked, limit: Annotated[int, Query(ge=1, le=MOST_EXPORTED)] = 10_000, form: Form = "csv"
) -> Response:
    """Return documents as CSV, no cell of it a formula, or as Parquet, the latest first."""
    with _reading(request) as connection:
        found = search(connection, _timed(connection, asked), limit)
    return _table(documents_table(found, form), "documents", form)


@router.get("/trends/export", summary="Numbers over time as a table", response_class=Response)
def export_trends(
    request: Request,
    topic: Annotated[str | None, Query(max_length=200, description="Empty: all together; left out: each.")] = None,
    entity: Annotated[str | None, Query(max_length=200, description="Empty: all together; left out: each.")] = None,
    source: Text = "",
    region: Text = "",
    days: Days = None,
    form: Form = "csv",
) -> Response:
    """Return numbers by bucket of each topic and entity, as CSV or Parquet; an empty name stands for all together."""
    with _reading(request) as connection:
        since, width = opinion.since_days(connection, days), _width(connection)
        found = trends(connection, width, since=since, topic=topic, entity=entity, source=source, region=region)
    return _table(trends_table(found, form), "trends", form)


def _table(table: bytes, name: str, form: TableForm) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(table, media_type=MEDIA_TYPES[form], headers=headers)


def _timed(connection: Connection, asked: tuple[Question, float | None]) -> Question:
    question, days = asked
    return question if days is None else replace(question, since=opinion.since_days(connection, days))


def _width(connection: Connection) -> int:
    return int(opinion.position(connection, WIDTH) or 3_600)


def _series(found: list[Trend], everything: list[Trend], **more: Any) -> JSONResponse:
    total = int(everything[0].documents.sum()) if everything else 0
    series = [
        {
            **one.summary(total), "buckets": one.buckets.tolist(), "counts": one.documents.tolist(),
            "negatives": one.negative.tolist(),
        }
        for one in found
    ]  # fmt: skip
    seconds = everything[0].seconds if everything else int(DAY)
    # handed over as it is: FastAPI would look at each of its hundred thousand numbers first
    return JSONResponse({"seconds": seconds, "documents": total, "series": series, **more})
