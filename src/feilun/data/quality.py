"""The data report: what was read, kept and dropped, and what a reader should know before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.splits import Splits
from feilun.data import targets
from feilun.data.loading import Loaded
from feilun.data.paths import shown
from feilun.data.settings import DataSettings
from feilun.data.split import SET_NAMES
from feilun.data.target_kinds.answer import AnswerText
from feilun.text.clean import STEPS
from feilun.text.language import languages_of, script_shares

if TYPE_CHECKING:
    from rich.console import RenderableType

    from feilun.data.target_kinds.table import TargetKind

QUANTILES = {"minimum": 0.0, "p05": 0.05, "median": 0.5, "p95": 0.95, "p99": 0.99, "maximum": 1.0}
LANGUAGE_SAMPLE = 20_000
COUNTED_AT_ONCE = 10_000
SHOWN = 8


def report(
    splits: Splits,
    sources: Mapping[int, Loaded],
    settings: DataSettings,
    kind: TargetKind,
    counts: Mapping[str, int],
    conflicts: Mapping[str, Any],
    notes: Sequence[str],
    count_tokens: Callable[[Sequence[str], Sequence[str] | None], NDArray[np.int64]] | None,
    max_tokens: int | None,
) -> dict[str, Any]:
    """Make the data report.

    Args:
        splits: The sets.
        sources: The sources by set, with what was dropped of each.
        settings: The table `[data]`.
        kind: Tells the labels within a target.
        counts: Rows of each label before the split.
        conflicts: Texts with several labels.
        notes: Remarks made on the way.
        count_tokens: Counts the tokens of texts and second texts, shape (rows,).
        max_tokens: Tokens that the model reads of a text.

    Returns:
        The report, ready for JSON; rows in = rows kept + rows dropped by reason.
    """
    sets = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    dropped: Counter[str] = Counter()
    cleaned: Counter[str] = Counter()
    for loaded in sources.values():
        dropped.update(loaded.dropped)
        cleaned.update(loaded.cleaned)
    by_set = {name: dict(label_counts(corpus, kind)) for name, corpus in sets.items()}
    everything = [text for corpus in sets.values() for text in corpus.text]
    sample = everything[:: max(1, len(everything) // LANGUAGE_SAMPLE)]
    result: dict[str, Any] = {
        "rows": {
            "in": sum(loaded.rows for loaded in sources.values()),
            "kept": sum(map(len, sets.values())),
            "dropped": dict(dropped),
        },
        "sources": {SET_NAMES[number]: _source(loaded) for number, loaded in sources.items()},
        "sets": {name: len(corpus) for name, corpus in sets.items()},
        "cleaning": dict(cleaned),
        "deduplicate": settings.clean.deduplicate,
        "split": {"by": settings.split.by, "seed": settings.split.seed} if len(sources) < len(sets) else None,
        "leaks": {SET_NAMES[number]: dict(loaded.leaks) for number, loaded in sources.items() if loaded.leaks},
        "labels": {label: {name: by_set[name].get(label, 0) for name in sets} for label in counts},
        "rare_labels": targets.rare_labels(counts, by_set, len(sources) < len(sets)) if settings.targets else [],
        "similar_labels": targets.similar_labels(counts),
        "padded_labels": targets.padded_labels(counts),
        "conflicts": conflicts,
        "length": {"characters": quantiles(np.fromiter(map(len, everything), np.int64, len(everything)))},
        "language": {"languages": list(languages_of(sample)), "scripts": script_shares(sample)},
        "fingerprint": splits.fingerprint,
    }
    if count_tokens is not None:
        read_after = [c.target if isinstance(kind, AnswerText) else c.pair for c in sets.values()]
        result["length"] |= _token_lengths(list(sets.values()), read_after, count_tokens, max_tokens)
    result["notes"] = [*notes, *_notes(sources, result)]
    return result


def label_counts(corpus: Corpus, kind: TargetKind) -> Counter[str]:
    """Count the rows of each label."""
    return Counter(name for target in corpus.target or () for name in kind.names(target))


def profile(splits: Splits, kind: TargetKind, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what serving compares its traffic with: label shares, lengths and scripts of the training rows."""
    counts = label_counts(splits.train, kind)
    rows = max(1, len(splits.train))
    lengths = np.fromiter(map(len, splits.train.text), np.int64, len(splits.train))
    sample = splits.train.text[:: max(1, rows // LANGUAGE_SAMPLE)]
    return {
        "rows": len(splits.train),
        **{key: report["sources"]["train"][key] for key in ("read_with",) if report["sources"]["train"].get(key)},
        "labels": {label: counts[label] / rows for label in report["labels"]},
        "characters": quantiles(lengths),
        **({"tokens": report["length"]["tokens"]} if "tokens" in report["length"] else {}),
        "languages": list(languages_of(sample)),
        "scripts": script_shares(sample),
    }


def quantiles(values: NDArray[np.int64]) -> dict[str, float]:
    """Return mean and quantiles of counts, shape (rows,)."""
    if not len(values):
        return {}
    points = np.quantile(values, list(QUANTILES.values()), method="lower").tolist()
    return {"mean": round(float(values.mean()), 2), **dict(zip(QUANTILES, points, strict=True))}


def _source(loaded: Loaded) -> dict[str, Any]:
    return {
        "name": shown(loaded.source),
        "rows": loaded.rows,
        "kept": len(loaded.corpus),
        "dropped": {
            reason: {"rows": count, "examples": list(loaded.examples[reason])}
            for reason, count in loaded.dropped.items()
        },
        **loaded.facts,
    }


def _token_lengths(
    sets: Sequence[Corpus],
    read_after: Sequence[Sequence[str] | None],
    count_tokens: Callable[[Sequence[str], Sequence[str] | None], NDArray[np.int64]],
    max_tokens: int | None,
) -> dict[str, Any]:
    counted = []
    for corpus, second in zip(sets, read_after, strict=True):
        for start in range(0, len(corpus), COUNTED_AT_ONCE):
            end = start + COUNTED_AT_ONCE
            counted.append(count_tokens(corpus.text[start:end], second[start:end] if second else None))
    counts = np.concatenate(counted)
    result: dict[str, Any] = {"tokens": quantiles(counts)}
    if max_tokens is not None:
        beyond = (counts - max_tokens).clip(min=0)
        result |= {"max_tokens": max_tokens, "cut_rows": int((beyond > 0).sum()), "cut_tokens": int(beyond.sum()),
                   "cut_share": float(beyond.sum() / max(1, counts.sum()))}  # fmt: skip
    return result


def _notes(sources: Mapping[int, Loaded], result: Mapping[str, Any]) -> list[str]:
    notes = []
    for loaded in sources.values():
        facts, name = loaded.facts, shown(loaded.source)
        if "unread_sheets" in facts:
            sheets = ", ".join(facts["unread_sheets"])
            notes.append(f"{name}: the sheet {facts['sheet']!r} was read; not read: {sheets}.")
        notes += [f"{name}: {note}" for note in facts.get("notes", [])]
    for labels in result["similar_labels"]:
        written = ", ".join(f"{label!r} ({rows:,} rows)" for label, rows in labels.items())
        best = max(labels, key=lambda label: (labels[label], label.islower(), -len(label)))
        notes.append(
            f"These labels differ only by blanks or case: {written}. They are trained as different labels; "
            f"if they mean the same, write them alike ({best.strip()!r})."
        )
    alike = {label for labels in result["similar_labels"] for label in labels}
    for label in result["padded_labels"]:
        if label not in alike:
            notes.append(f"The label {label!r} has blanks around it; predictions will have them too.")
    if contested := result["conflicts"]["texts"]:
        notes.append(
            f"Texts that stand in the data with several labels: {contested:,}; all are kept. Settle which is right."
        )
    return notes


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
    scripts = ", ".join(f"{name} {share:.0%}" for name, share in list(found["scripts"].items())[:4])
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
            else ", ".join(f"{_plain(cell)[:30]} ({rows:,})" for cell, rows in row["commonest"].items())
        )
        table.add_row(_plain(row["name"]), row["kind"], f"{row['missing']:,}", f"{row['distinct']:,}", held)
    return table


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
