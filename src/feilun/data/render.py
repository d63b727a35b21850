"""The data report laid out for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feilun.data.quality import QUANTILES
from feilun.text.clean import STEPS

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 8
"""Labels that are listed; the others are added up."""

LONGEST_CELL = 30
LEAST_SHOWN = 0.005
"""Share of the letters below which a script is not named: it would stand as 0 %."""


def render(report: Mapping[str, Any]) -> RenderableType:
    """Lay out a data report for the terminal.

    Args:
        report: What `prepare` put into `Splits.report`.

    Returns:
        Something that rich prints.
    """
    from rich.console import Group
    from rich.text import Text

    if "tasks" in report:
        return Group(*(part for name, own in report["tasks"].items() for part in (Text(name, "bold"), render(own))))
    rows = report["rows"]
    head = f"Data: {rows['in']:,} rows in = {rows['kept']:,} kept + {rows['in'] - rows['kept']:,} dropped"
    sets = ", ".join(f"{name} {count:,}" for name, count in report["sets"].items())
    parts: list[RenderableType] = [Text(head, style="bold"), Text(f"  {sets}")]
    parts += [Text(f"  dropped {count:,}: {reason}") for reason, count in rows["dropped"].items()]
    parts += [Text(f"  cleaned {count:,}: {STEPS[step]}") for step, count in report["cleaning"].items()]
    parts += [_labels_table(report)] if report["labels"] else []
    parts += [_features_table(report)] if report.get("features") else []
    told = f"fingerprint {report['fingerprint'][:12]}"
    if report["length"].get("characters", {}).get("maximum") != 0:  # there are texts
        parts.append(_lengths_table(report))
        told = f"{_languages(report['language'])} · {told}"
    parts += [Text(f"  {told}"), *_warnings(report)]
    return Group(*parts)


def _languages(found: Mapping[str, Any]) -> str:
    seen = [(name, share) for name, share in found["scripts"].items() if share >= LEAST_SHOWN]
    scripts = ", ".join(f"{name} {share:.0%}" for name, share in seen[:4])
    return f"languages: {', '.join(found['languages']) or 'none'} (letters: {scripts})"


def _labels_table(report: Mapping[str, Any]) -> RenderableType:
    from rich.table import Table

    table = Table("label", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for name in report["sets"]:
        table.add_column(name, justify="right")
    table.add_column("share", justify="right")
    labels = sorted(report["labels"].items(), key=lambda item: -sum(item[1].values()))
    total = max(1, sum(sum(counts.values()) for _, counts in labels))
    for label, counts in labels[:SHOWN]:
        share = sum(counts.values()) / total
        table.add_row(_plain(label), *(f"{count:,}" for count in counts.values()), f"{share:.1%}")
    if len(labels) > SHOWN:
        rest = [counts for _, counts in labels[SHOWN:]]
        sums = [sum(counts[name] for counts in rest) for name in report["sets"]]
        name = f"{len(rest):,} more labels"
        table.add_row(name, *(f"{count:,}" for count in sums), f"{sum(sums) / total:.1%}", style="dim")
    return table


def _features_table(report: Mapping[str, Any]) -> RenderableType:
    from rich.table import Table

    table = Table("feature", "kind", box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for name in ("missing", "distinct"):
        table.add_column(name, justify="right")
    table.add_column("what it holds")
    for row in report["features"]:
        held = (
            f"{row['minimum']:g} to {row['maximum']:g}, median {row['median']:g}"
            if row["kind"] == "number"
            else ", ".join(f"{_shortened(_plain(cell))} ({rows:,})" for cell, rows in row["commonest"].items())
        )
        table.add_row(_plain(row["name"]), row["kind"], f"{row['missing']:,}", f"{row['distinct']:,}", held)
    return table


def _shortened(cell: str) -> str:
    return cell if len(cell) <= LONGEST_CELL else f"{cell[: LONGEST_CELL - 1]}…"


def _lengths_table(report: Mapping[str, Any]) -> RenderableType:
    from rich.table import Table

    table = Table("length in", box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for name in ("mean", *QUANTILES):
        table.add_column(name, justify="right")
    for unit in ("characters", "tokens"):
        if figures := report["length"].get(unit):
            table.add_row(unit, *(f"{figures[name]:,.0f}" for name in ("mean", *QUANTILES)))
    return table


def _warnings(report: Mapping[str, Any]) -> list[RenderableType]:
    from rich.text import Text

    found = list(report["notes"])
    length = report["length"]
    if length.get("cut_rows"):
        found.append(
            f"Longer than {length['max_tokens']} tokens, and cut: {length['cut_rows']:,} of the texts, "
            f"{length['cut_share']:.1%} of all tokens. Raise model.max_tokens to read more."
        )
    rare = report["rare_labels"]
    found += [
        f"Label {row['label']!r} has {row['rows']} {'row' if row['rows'] == 1 else 'rows'}, {row['advice']}."
        for row in rare[:SHOWN]
    ]
    if len(rare) > SHOWN:
        found.append(f"{len(rare) - SHOWN:,} more labels are rare; all are in the JSON report.")
    for conflict in report["conflicts"]["listed"][:3]:
        labels = ", ".join(f"{_plain(label)!r} ({rows})" for label, rows in conflict["labels"].items())
        found.append(f"Several labels: {_plain(conflict['text'])!r}: {labels}.")
    return [Text(f"  ! {line}", style="yellow") for line in found]


def _plain(text: str) -> str:
    """Show line breaks and other unprintable characters as blanks, and bound the length."""
    return "".join(character if character.isprintable() else " " for character in text)[:60]
