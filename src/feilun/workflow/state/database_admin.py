"""The database as its keeper sees it: what it holds, copies of it, and what is to be forgotten; all of it audited."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.storage import audit, backup, observations, tokens
from feilun.storage.database import Database
from feilun.storage.tables.service import feedback
from feilun.storage.tables.service import observations as observed
from feilun.storage.upgrade import current
from feilun.workflow.state import exported_tables

DAY = 86400.0


@dataclass(frozen=True)
class Holdings:
    """What a database holds.

    Args:
        place: Where it is.
        schema: Its revision.
        observations: Predictions remembered.
        feedback: What people said of them.
        earliest: Time of the earliest observation, seconds since 1970; None where there is none.
        bundles: What was observed, each name@version.
    """

    place: str
    schema: str | None
    observations: int
    feedback: int
    earliest: float | None
    bundles: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Forgotten:
    """What was deleted.

    Args:
        observations: How many.
        exported: Rows of each table that `feilun label export` had written, by its path; None where the table is no
            longer there, or cannot be read or written any more: whoever has it deletes them.
    """

    observations: int
    exported: dict[str, int | None]


def holdings(database: Database) -> Holdings:
    """Return what a database holds."""
    with database.read() as connection:
        return Holdings(
            database.place.removeprefix("The database "),
            current(connection),
            connection.execute(select(func.count()).select_from(observed)).scalar_one(),
            connection.execute(select(func.count()).select_from(feedback)).scalar_one(),
            connection.execute(select(func.min(observed.c.time))).scalar_one(),
            tuple(observations.bundles(connection)),
        )


def back_up(database: Database, path: Path) -> None:
    """Copy a SQLite database while it is in use, and note it in the audit log.

    Raises:
        UsageError: If the database is on PostgreSQL.
        StorageError: If the copy cannot be written.
    """
    backup.back_up(database, path)
    with database.write() as connection:
        audit.record(connection, "back up", file=path.name)


def restore(database: Database, path: Path) -> None:
    """Replace what a SQLite database holds by a copy of it, and note it in the audit log that came with the copy.

    A token that was revoked since the copy was made stays revoked.

    Raises:
        UsageError: If the database is on PostgreSQL.
        StorageError: If the file is no sound copy, or the database is in use; nothing is changed then.
    """
    with database.read() as connection:
        revoked = [token for token in tokens.listed(connection) if token.revoked is not None]
    backup.restore(database, path)
    with database.write() as connection:
        again = tokens.keep_revoked(connection, revoked)
        audit.record(connection, "restore", file=path.name, revoked=again)


def forget(
    database: Database,
    *,
    model: str | None = None,
    older_than_days: float | None = None,
    identities: Sequence[str] = (),
    containing: str | None = None,
) -> Forgotten:
    """Delete observations that meet every condition, with the feedback on them, and note how many in the audit log.

    Their rows in tables that `feilun label export` wrote are deleted too. What trained a model stays in it until it is
    trained again; the rows of each training are put together anew, so no later one learns from them.

    Args:
        database: Where the observations are.
        model: Only of this model.
        older_than_days: Only older than so many days.
        identities: Only the observations of these ids.
        containing: Only those whose stored texts or columns hold this; the audit log does not keep it.

    Returns:
        What was deleted; SQLite overwrites its place in the file with zeros.

    Raises:
        UsageError: If no condition is given, an age that is none, or an empty text, which every observation holds.
        StorageError: If the database refuses; nothing was deleted.
    """
    if model is None and older_than_days is None and not identities and containing is None:
        raise UsageError(
            Remark(
                "Forget what? Without a condition everything would be deleted.", "要删除什么？不给条件就会全部删除。"
            ),
            Remark("Give at least one option.", "请至少给出一个选项。"),
        )
    if containing is not None and not containing.strip():
        raise UsageError(
            Remark("Forget what? Every observation holds an empty text.", "要删除什么？每条观测都包含空文本。"),
            Remark("Give --containing some words.", "请在 --containing 里写上词语。"),
        )
    if older_than_days is not None and not math.isfinite(older_than_days):
        raise UsageError(
            Remark(
                f"--older-than {older_than_days:g} is no number of days.",
                f"--older-than {older_than_days:g} 不是天数。",
            ),
            Remark("Give one, such as 90.", "请给出天数，例如 90。"),
        )
    before = None if older_than_days is None else time.time() - older_than_days * DAY
    with database.write() as connection:
        deleted = observations.delete(
            connection, model=model, before=before, identities=identities, containing=containing
        )  # fmt: skip
        tables = exported_tables.places(connection)
        audit.record(
            connection, "delete observations", count=len(deleted), model=model, older_than_days=older_than_days,
            identities=list(identities), by_text=containing is not None,
        )  # fmt: skip
    return Forgotten(len(deleted), exported_tables.forget(tables, frozenset(deleted)))
