"""The data report: what was read, kept and dropped, and what a reader should know before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.remark import Remark, joined
from feilun.core.splits import Splits
from feilun.data import targets
from feilun.data.loading import Loaded
from feilun.data.paths import shown
from feilun.data.settings import DataSettings
from feilun.data.shared_texts import notes_on_shared_texts
from feilun.data.split import SET_NAMES
from feilun.data.target_kinds.answer import AnswerText
from feilun.text.clean import remove_control
from feilun.text.language import languages_of, script_shares

if TYPE_CHECKING:
    from feilun.data.target_kinds.table import TargetKind

QUANTILES = {"minimum": 0.0, "p05": 0.05, "median": 0.5, "p95": 0.95, "p99": 0.99, "maximum": 1.0}
LANGUAGE_SAMPLE = 20_000
COUNTED_AT_ONCE = 10_000


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
    texts = [text for corpus in sets.values() for text in corpus.text]
    sample = texts[:: max(1, len(texts) // LANGUAGE_SAMPLE)]
    split_off = len(sources) < len(sets)
    result: dict[str, Any] = {
        "rows": _row_counts(sets, sources),
        "sources": {SET_NAMES[number]: _source(loaded) for number, loaded in sources.items()},
        "sets": {name: len(corpus) for name, corpus in sets.items()},
        "cleaning": _added_up(loaded.cleaned for loaded in sources.values()),
        "deduplicate": settings.clean.deduplicate,
        "split": {"by": settings.split.by, "seed": settings.split.seed} if split_off else None,
        "leaks": {SET_NAMES[number]: dict(loaded.leaks) for number, loaded in sources.items() if loaded.leaks},
        **_labels(sets, settings, kind, counts, split_off=split_off),
        "conflicts": conflicts,
        "length": {"characters": quantiles(np.fromiter(map(len, texts), np.int64, len(texts)))},
        "language": {"languages": list(languages_of(sample)), "scripts": script_shares(sample)},
        "fingerprint": splits.fingerprint,
    }
    if count_tokens is not None:
        read_after = [c.target if isinstance(kind, AnswerText) else c.pair for c in sets.values()]
        result["length"] |= _token_lengths(list(sets.values()), read_after, count_tokens, max_tokens)
    result["notes"] = [*notes, *_notes(sources, result), *(notes_on_shared_texts(sets) if kind.pairs else [])]
    return result


def _row_counts(sets: Mapping[str, Corpus], sources: Mapping[int, Loaded]) -> dict[str, Any]:
    return {
        "in": sum(loaded.rows for loaded in sources.values()),
        "kept": sum(map(len, sets.values())),
        "dropped": _added_up(loaded.dropped for loaded in sources.values()),
    }


def _added_up(counters: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return dict(total)


def _labels(
    sets: Mapping[str, Corpus], settings: DataSettings, kind: TargetKind, counts: Mapping[str, int], *, split_off: bool
) -> dict[str, Any]:
    """Return the rows of each label by set, and the labels that a reader should look at."""
    by_set = {name: dict(label_counts(corpus, kind)) for name, corpus in sets.items()}
    return {
        "labels": {label: {name: by_set[name].get(label, 0) for name in sets} for label in counts},
        "rare_labels": targets.rare_labels(counts, by_set, split_off) if settings.targets else [],
        "similar_labels": targets.similar_labels(counts),
        "padded_labels": targets.padded_labels(counts),
    }


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
    notes: list[str] = []
    for loaded in sources.values():
        facts, name = loaded.facts, shown(loaded.source)
        if "unread_sheets" in facts:
            sheets = ", ".join(facts["unread_sheets"])
            notes.append(
                Remark(
                    f"{name}: the sheet {facts['sheet']!r} was read; not read: {sheets}.",
                    f"{name}：读取了工作表 {facts['sheet']!r}；未读取：{sheets}。",
                )
            )
        notes += [joined([name, note], ": ", "：") for note in facts.get("notes", [])]
    for labels in result["similar_labels"]:
        written = ", ".join(f"{label!r} ({rows:,} rows)" for label, rows in labels.items())
        best = max(labels, key=lambda label: (labels[label], label.islower(), -len(label)))
        notes.append(
            Remark(
                f"These labels look alike: {written}. They are trained as different labels; "
                f"if they mean the same, write them alike ({remove_control(best).strip()!r}).",
                f"这些标签看起来一样：{written.replace(' rows)', ' 行)')}。它们被当作不同的标签来训练；"
                f"若意思相同，请写成一样（{remove_control(best).strip()!r}）。",
            )
        )
    alike = {label for labels in result["similar_labels"] for label in labels}
    for label in result["padded_labels"]:
        if label not in alike:
            notes.append(
                Remark(
                    f"The label {label!r} has blanks around it; predictions will have them too.",
                    f"标签 {label!r} 前后有空格；预测结果也会带着它们。",
                )
            )
    if contested := result["conflicts"]["texts"]:
        notes.append(
            Remark(
                f"Texts that stand in the data with several labels: {contested:,}; all are kept. Settle which is "
                "right.",
                f"有 {contested:,} 条文本在数据中带有不同的标签；全部保留。请确定哪个是对的。",
            )
        )
    return notes
