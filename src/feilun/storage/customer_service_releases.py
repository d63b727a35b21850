"""What an application of customer service answered from at each release, so that it can be put back."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from feilun.storage.customer_service_knowledge import Known, all_knowledge
from feilun.storage.tables.customer_service import service_releases as releases

KEPT = 20
"""Releases of an application that are kept, the newest."""


@dataclass(frozen=True)
class Released:
    """A release, without what it knows.

    Args:
        number: Its place among those of its application, from 1.
        time: When, seconds since 1970.
        version: The model and its thresholds as JSON; None where nothing was trained.
        counts: How much is known, by kind.
        restored: The release that was put back by it; None where it was a new one.
    """

    number: int
    time: float
    version: Mapping[str, Any] | None
    counts: Mapping[str, int]
    restored: int | None


def releases_of(connection: Connection, application: str) -> list[Released]:
    """Return the releases of an application that are kept, the newest first."""
    columns = (releases.c[name] for name in ("number", "time", "version", "counts", "restored"))
    query = select(*columns).where(releases.c.application == application).order_by(releases.c.number.desc())
    return [Released(*row) for row in connection.execute(query)]


def newest_release(connection: Connection, application: str) -> int:
    """Return the number of an application's newest release, 0 where there is none."""
    query = select(func.max(releases.c.number)).where(releases.c.application == application)
    return connection.execute(query).scalar() or 0


def knowledge_of(connection: Connection, application: str, number: int) -> list[Known]:
    """Return what an application knew at a release; nothing where none of that number is kept."""
    mine = (releases.c.application == application, releases.c.number == number)
    rows = connection.execute(select(releases.c.knowledge).where(*mine)).scalar_one_or_none()
    return [Known(**row) for row in rows or ()]


def keep_release(
    connection: Connection, application: str, version: Mapping[str, Any] | None, restored: int | None = None
) -> None:
    """Keep what an application knows now as its newest release, and let go of the oldest beyond `KEPT`."""
    _keep(connection, application, version, all_knowledge(connection, application), restored)


def keep_unkept(connection: Connection, application: str, version: Mapping[str, Any] | None) -> None:
    """Keep what stands where no release holds it: candidates approved since, or what was before releases were kept."""
    known = all_knowledge(connection, application)
    newest = _newest(connection, application)
    if known and (newest is None or _json(newest.knowledge, newest.version) != _json(_rows(known), version)):
        _keep(connection, application, version, known, None)


def _keep(
    connection: Connection, application: str, version: Mapping[str, Any] | None, known: Sequence[Known],
    restored: int | None,
) -> None:  # fmt: skip
    mine = releases.c.application == application
    number = 1 + newest_release(connection, application)
    row = {
        "number": number, "time": time.time(), "version": version, "counts": Counter(one.kind for one in known),
        "knowledge": _rows(known), "restored": restored,
    }  # fmt: skip
    connection.execute(insert(releases), {"application": application, **row})
    connection.execute(delete(releases).where(mine, releases.c.number <= number - KEPT))


def _rows(known: Sequence[Known]) -> list[dict[str, Any]]:
    return [vars(one) for one in known]


def _json(*values: Any) -> str:
    """Return a form in which what was read equals what was written: lists and tuples are one."""
    return json.dumps(values, sort_keys=True)


def _newest(connection: Connection, application: str) -> Row[Any] | None:
    query = select(releases).where(releases.c.application == application).order_by(releases.c.number.desc())
    return connection.execute(query.limit(1)).first()
