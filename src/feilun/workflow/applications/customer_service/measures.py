"""Measures of customer service, read from the database and written as a table."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_args

from feilun.apps.customer_service.improving.measures import DAY_SECONDS, By, Measures, held, measured_by, unanswered
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.core.errors import UsageError, nearest
from feilun.core.files import atomic_file
from feilun.core.remark import Remark
from feilun.storage import customer_service as storage
from feilun.storage.database import Database


def measures_of(
    settings: CustomerServiceSettings, database: Database, by: str, days: float
) -> tuple[dict[str, Measures], list[tuple[str, int]]]:
    """Return the figures of an application's conversations of the last days, and what found no answer.

    Args:
        settings: The application.
        database: Where the conversations are.
        by: all, day, channel or intent.
        days: How far back conversations began.

    Raises:
        UsageError: If `by` is something else.
    """
    if by not in get_args(By):
        raise UsageError(
            Remark(f"There are no measures by {by!r}.", f"没有按 {by!r} 的指标。"), nearest(by, get_args(By))
        )
    now = time.time()
    with database.read() as connection:
        found = held(*storage.within(connection, settings.name, now - days * DAY_SECONDS, now))
    kinds: dict[str, By] = {name: name for name in get_args(By)}
    return measured_by(found, kinds[by], settings.costs), unanswered(found)


def write_csv(found: Mapping[str, Measures], path: Path) -> None:
    """Write figures as a table, a row each."""
    names = [field.name for field in fields(Measures)]
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", *names])
        for name, own in found.items():
            values = own.to_json()
            values["reasons"] = "; ".join(f"{reason} {count}" for reason, count in own.reasons.items())
            writer.writerow([_safe(name), *(values[one] for one in names)])


def _safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in "=+-@" else cell
