"""Rows of a FAQ file become entries: validated, redacted, counted, with what a person should settle listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from feilun.apps.customer_service.known.entries import FaqEntry, identity_of
from feilun.apps.customer_service.known.redacted import Keep
from feilun.apps.customer_service.words.slots import SLOTS, unknown_slots
from feilun.core.errors import DataError, nearest
from feilun.core.remark import Remark, joined
from feilun.monitoring.redaction import holds_placeholder, kept
from feilun.text.near_duplicates import comparable, near_duplicate_groups

SEPARATORS = ("|", "｜", "\n")
"""What may stand between the variants of a cell."""

SHOWN = 10

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FaqReport:
    """What an import found.

    Args:
        rows: Rows read.
        entries: Entries made.
        variants: Their variants.
        repeated: Rows with the question and the answer of a former one, which gets their variants.
        redacted: Rows in which personal data was replaced.
    """

    rows: int
    entries: int
    variants: int
    repeated: int
    redacted: int


def entries_of(rows: Iterable[Mapping[str, Any]], source: str, keep: Keep = kept) -> tuple[list[FaqEntry], FaqReport]:
    """Make entries of rows with `question`, `answer` and perhaps `variants` and `category`.

    Args:
        rows: The rows, as a table gives them; `variants` is a list, or text with `|` between them.
        source: The file, for messages.
        keep: Replaces personal data.

    Returns:
        The entries and what was found.

    Raises:
        DataError: With every row that has no question, no answer, or names an unknown slot.
    """
    entries: dict[str, FaqEntry] = {}
    faults: list[Remark] = []
    count = redacted = 0
    for number, row in enumerate(rows, 1):
        count += 1
        cells = {name: _text(row.get(name)) for name in ("question", "answer", "category")}
        variants = _variants(row.get("variants"))
        faults += [Remark(f"row {number}: {fault}", f"第 {number} 行：{fault.chinese}") for fault in _faults(cells)]
        clean = {name: keep(cell) for name, cell in cells.items()}
        own = tuple(dict.fromkeys(keep(variant) for variant in variants))
        redacted += any(map(holds_placeholder, (*clean.values(), *own)))
        entry = FaqEntry(
            identity_of(clean["question"], clean["answer"]), clean["question"], clean["answer"],
            tuple(v for v in own if v and v != clean["question"]), clean["category"],
        )  # fmt: skip
        entries[entry.id] = merged(entries[entry.id], entry) if entry.id in entries else entry
    if faults:
        raise DataError(
            _told(source, faults),
            Remark("Mend these rows; nothing was imported.", "请改正这些行；什么也没有导入。"),
        )
    if not entries:
        raise DataError(
            Remark(f"{source} has no rows.", f"{source} 没有数据行。"),
            Remark(
                "A FAQ has a row a question: question, answer, variants, category.",
                "FAQ 每行一个问题：question、answer、variants、category。",
            ),
        )
    found = list(entries.values())
    variants_kept = sum(len(entry.variants) for entry in found)
    return found, FaqReport(count, len(found), variants_kept, count - len(found), redacted)


def merged(one: FaqEntry, other: FaqEntry) -> FaqEntry:
    """Return an entry with the ways to ask, and the category, of another one that asks and answers the same."""
    variants = dict.fromkeys(text for text in (*one.variants, *other.variants) if text != one.question)
    return replace(one, variants=tuple(variants), category=one.category or other.category)


def alike(entries: Sequence[FaqEntry]) -> tuple[Pairs, Pairs]:
    """Return pairs of questions that a person should look at, among all that is known.

    Returns:
        Pairs of near duplicates with the same answer, and pairs of equal or nearly equal questions whose answers
        differ.
    """
    texts = [(text, entry) for entry in entries for text in entry.texts]
    groups = near_duplicate_groups([text for text, _ in texts])
    near: dict[tuple[str, str], None] = {}
    contradictions: dict[tuple[str, str], None] = {}
    for (text, entry), first in zip(texts, groups, strict=True):
        other_text, other = texts[int(first)]
        if other.id != entry.id:
            same = comparable(other.answer) == comparable(entry.answer)
            (near if same else contradictions)[other_text, text] = None
    return tuple(near), tuple(contradictions)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _variants(cell: Any) -> list[str]:
    if isinstance(cell, (list, tuple)):
        return [_text(one) for one in cell if _text(one)]
    text = _text(cell)
    for separator in SEPARATORS[1:]:
        text = text.replace(separator, SEPARATORS[0])
    return [part.strip() for part in text.split(SEPARATORS[0]) if part.strip()]


def _faults(cells: Mapping[str, str]) -> list[Remark]:
    empty = [name for name in ("question", "answer") if not cells[name]]
    faults = [Remark(f"the {name} is empty.", f"{name} 为空。") for name in empty]
    for slot in unknown_slots(cells["answer"]):
        hint = nearest(slot, SLOTS)
        faults.append(
            Remark(
                f"the answer names the unknown slot {{{slot}}}. {hint}",
                f"答案里有未知的槽位 {{{slot}}}。{hint.chinese}",
            )
        )
    return faults


def _told(source: str, faults: Sequence[Remark]) -> Remark:
    """Say the first faults of a file."""
    shown, more = joined(faults[:SHOWN], " ", ""), len(faults) - SHOWN
    return Remark(
        f"{source}: {shown}{f' (and {more} more)' if more > 0 else ''}",
        f"{source}：{shown.chinese}{f'（另有 {more} 处）' if more > 0 else ''}",
    )
