"""Runs looked at afterwards: one by its name, or several side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from feilun.core import places
from feilun.core.errors import DataError, UsageError, nearest
from feilun.core.files import read_json
from feilun.core.remark import Remark, said_in

Row = tuple[str, list[Any]]
"""A key, and its value in each run; None where a run has none."""


def find_run(reference: str) -> Path:
    """Return the folder of a run.

    Args:
        reference: Its id, or the beginning of it.

    Raises:
        UsageError: If no run, or more than one, begins like that.
    """
    folders = sorted(file.parent for file in places.runs().glob("*/run.json"))
    found = [folder for folder in folders if folder.name.startswith(reference)]
    exact = [folder for folder in found if folder.name == reference]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise UsageError(
            Remark(
                f"{len(found)} runs begin with {reference!r}: {', '.join(one.name for one in found)}.",
                f"有 {len(found)} 次运行以 {reference!r} 开头：{'、'.join(one.name for one in found)}。",
            )
        )
    known = nearest(reference, [folder.name for folder in folders])
    raise UsageError(
        Remark(
            f"There is no run {reference!r} in {places.runs()}. {known}",
            f"{places.runs()} 里没有运行 {reference!r}。{said_in('zh', known)}",
        ),
        Remark("See: feilun runs", "查看：feilun runs"),
    )


def read_run(folder: Path) -> dict[str, Any]:
    """Return what a run's folder says of it: recipe, data report, libraries, machine, and the report where it has one.

    Raises:
        DataError: If the file is damaged.
    """
    try:
        facts = read_json(folder / "run.json")
    except ValueError as error:
        raise DataError(
            Remark(f"{folder / 'run.json'} is damaged ({error}).", f"{folder / 'run.json'} 已损坏（{error}）。"),
            Remark("The run is lost: train again.", "这次运行已丢失：请重新训练。"),
        ) from error
    return dict(facts)


def read_log(folder: Path) -> list[dict[str, float]]:
    """Return the figures that a run logged; none where it logged none yet."""
    path, found = folder / "log.jsonl", list[dict[str, float]]()
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # the line that a killed run was writing
    return found


def differing_settings(runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return what was different when runs began: settings, data, base, git, libraries and processes."""
    begun = [
        {
            **dict(_flat(run.get("recipe", {}), "")),
            **{key: run.get(key) for key in ("fingerprint", "base", "workers")},
            **dict(_flat(run.get("git") or {}, "git")),
            **dict(_flat(run.get("libraries", {}), "libraries")),
        }
        for run in runs
    ]
    return [(key, values) for key, values in _side_by_side(begun) if any(value != values[0] for value in values)]


def figures(runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return what came out: the number of rows judged and the report's metrics, by run."""
    reports = [run.get("report", {}) for run in runs]
    return _side_by_side([{key: report.get(key) for key in ("n", *report.get("metrics", ()))} for report in reports])


def _side_by_side(tables: Sequence[Mapping[str, Any]]) -> list[Row]:
    keys = dict.fromkeys(key for table in tables for key in table)
    return [(key, [table.get(key) for table in tables]) for key in keys]


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the values of nested tables by dotted keys."""
    for key, value in table.items():
        dotted = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping):
            yield from _flat(value, dotted)
        else:
            yield dotted, value
