"""Observations and feedback as rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, and_, cast, or_, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from feilun.core.observation import Feedback, Observation
from feilun.storage.tables.service import feedback, observations

FETCHED = 500
"""Observations whose feedback is looked up at once: SQLite bounds the parameters of a statement."""


def add(connection: Connection, seen: Iterable[Observation]) -> None:
    """Write observations; one whose id is there already is left as it is."""
    rows = [
        {
            "id": one.id, "time": one.time, "model": one.model, "version": one.version, "text": one.text,
            "prediction": dict(one.prediction), "latency": one.latency, "pair": one.pair,
            "features": None if one.features is None else dict(one.features),
        }
        for one in seen
    ]  # fmt: skip
    if rows:
        insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
        connection.execute(insert(observations).on_conflict_do_nothing(index_elements=["id"]), rows)


def find(connection: Connection, identity: str, *, hold: bool = False) -> Observation | None:
    """Return an observation with its feedback, or None where there is none of that id.

    Args:
        connection: A transaction.
        identity: The observation's id.
        hold: Keep other transactions from doing the same until this one ends.
    """
    query = select(observations).where(observations.c.id == identity)
    found = _read(connection, query.with_for_update() if hold else query)
    return found[0] if found else None


def latest(
    connection: Connection,
    model: str,
    *,
    version: str | None = None,
    count: int | None = None,
    since: float | None = None,
    until: float | None = None,
) -> list[Observation]:
    """Return observations of a model with their feedback, in the order in which they were written.

    Args:
        connection: A transaction.
        model: The model's name.
        version: Only of this version.
        count: Only the last so many.
        since: Only from this time on, seconds since 1970.
        until: Only before this time.
    """
    query = select(observations).where(observations.c.model == model)
    if version is not None:
        query = query.where(observations.c.version == version)
    if since is not None:
        query = query.where(observations.c.time >= since)
    if until is not None:
        query = query.where(observations.c.time < until)
    found = _read(connection, query.order_by(observations.c.sequence.desc()).limit(count))
    return found[::-1]


def reviewed(connection: Connection, model: str) -> list[Observation]:
    """Return the observations of a model, of all its versions, on which there is feedback, as they were written."""
    spoken_of = observations.c.id.in_(select(feedback.c.observation))
    return _read(
        connection,
        select(observations).where(observations.c.model == model, spoken_of).order_by(observations.c.sequence),
    )


def bundles(connection: Connection) -> list[str]:
    """Return name@version of everything that was observed."""
    columns = (observations.c.model, observations.c.version)
    found = connection.execute(select(*columns).distinct().order_by(*columns))
    return [f"{model}@{version}" for model, version in found]


def give(connection: Connection, said: Feedback) -> None:
    """Write feedback on an observation."""
    row = {name: getattr(said, name) for name in ("id", "observation", "time", "answer", "correct", "text", "key")}
    connection.execute(feedback.insert(), row)


def delete(
    connection: Connection,
    *,
    model: str | None = None,
    before: float | None = None,
    identities: Sequence[str] = (),
    containing: str | None = None,
) -> list[str]:
    """Delete observations that meet every condition given, with the feedback on them.

    Args:
        connection: In a transaction that may write.
        model: Only of this model.
        before: Only earlier than this, seconds since 1970.
        identities: Only these.
        containing: Only those whose texts, columns or written answers hold this, or what people said of them does, as
            they are stored: personal data is not in them.

    Returns:
        The ids of those that were deleted.

    Raises:
        ValueError: If no condition is given.
    """
    conditions = []
    if model is not None:
        conditions.append(observations.c.model == model)
    if before is not None:
        conditions.append(observations.c.time < before)
    if identities:
        conditions.append(observations.c.id.in_(identities))
    if containing is not None:
        conditions.append(_holds(containing))
    if not conditions:
        raise ValueError("without a condition everything would be deleted")
    deleted = connection.execute(observations.delete().where(*conditions).returning(observations.c.id))
    return list(deleted.scalars())


def _holds(words: str) -> ColumnElement[bool]:
    """Return whether an observation holds words in anything but labels, or free words or a text told about it do."""
    in_json = json.dumps(words)[1:-1]  # as they stand there
    answer = observations.c.prediction["text"].as_string()
    plain = (observations.c.text, observations.c.pair, answer)

    def told(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return observations.c.id.in_(select(feedback.c.observation).where(condition))

    return or_(
        *(column.contains(words, autoescape=True) for column in plain),
        cast(observations.c.features, Text).contains(in_json, autoescape=True),
        told(feedback.c.text.contains(words, autoescape=True)),
        and_(answer.is_not(None), told(cast(feedback.c.answer, Text).contains(in_json, autoescape=True))),
    )


def _read(connection: Connection, query: Select[Any]) -> list[Observation]:
    rows = connection.execute(query).all()
    said = _feedback(connection, [row.id for row in rows])
    return [_observation(row, said.get(row.id, ())) for row in rows]


def _feedback(connection: Connection, identities: Sequence[str]) -> dict[str, tuple[Feedback, ...]]:
    said: dict[str, tuple[Feedback, ...]] = {}
    for start in range(0, len(identities), FETCHED):
        some = identities[start : start + FETCHED]
        query = select(feedback).where(feedback.c.observation.in_(some)).order_by(feedback.c.sequence)
        for row in connection.execute(query):
            one = Feedback(row.id, row.observation, row.time, row.answer, row.correct, row.text, row.key)
            said[row.observation] = (*said.get(row.observation, ()), one)
    return said


def _observation(row: Row[Any], said: tuple[Feedback, ...]) -> Observation:
    bundle = f"{row.model}@{row.version}"
    return Observation(
        row.id, row.time, bundle, row.text, row.prediction, row.latency, said, row.pair, row.features
    )  # fmt: skip
