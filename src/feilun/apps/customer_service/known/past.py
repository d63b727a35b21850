"""Past conversations become what customers said with what was answered: validated, redacted, counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.monitoring.redaction import holds_placeholder, kept

SPEAKERS = ("customer", "agent")

FORM = '{"turns": [{"speaker": "customer", "text": "…"}, {"speaker": "agent", "text": "…"}]}'

Pair = tuple[str, str]


@dataclass(frozen=True)
class Past:
    """What past conversations teach.

    Args:
        answered: Sayings of customers, each with what was answered to it.
        labelled: Sayings of customers, each with the `intent` that stands beside it.
    """

    answered: tuple[Pair, ...]
    labelled: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class PastReport:
    """What a file of past conversations holds.

    Args:
        conversations: How many.
        turns: Their turns.
        answered: Sayings of customers to which an agent's turn follows: what is learned from.
        labelled: Sayings of customers with an intent.
        redacted: Turns in which personal data was replaced.
    """

    conversations: int
    turns: int
    answered: int
    labelled: int
    redacted: int


def answered_in(conversations: Iterable[tuple[int, Any]], source: str) -> tuple[Past, PastReport]:
    """Return what customers said in past conversations, each with what was answered to it, personal data replaced.

    Args:
        conversations: Line and parsed value of each, of the form `FORM`; a customer's turn may have an `intent`,
            further names are left alone.
        source: The file, for messages.

    Raises:
        DataError: If one is not of that form; the line is named.
    """
    pairs: list[Pair] = []
    labelled: list[Pair] = []
    count = turns = redacted = 0
    for line, value in conversations:
        said = [_turn(turn, line, source) for turn in _turns(value, line, source)]
        count, turns = count + 1, turns + len(said)
        redacted += sum(holds_placeholder(text) for _, text, _ in said)
        pairs += [(one, other) for (by, one, _), (then, other, _) in pairwise(said) if (by, then) == SPEAKERS]
        labelled += [(text, intent) for by, text, intent in said if by == SPEAKERS[0] and intent]
    report = PastReport(count, turns, len(pairs), len(labelled), redacted)
    return Past(tuple(pairs), tuple(labelled)), report


def _turns(value: Any, line: int, source: str) -> list[Any]:
    turns = value.get("turns") if isinstance(value, dict) else None
    if not isinstance(turns, list) or not turns:
        raise DataError(
            Remark(
                f"{source}, line {line}, is no conversation: it has no turns.",
                f"{source} 第 {line} 行不是对话：没有 turns。",
            ),
            Remark(f"A line is {FORM}.", f"每行的形式为 {FORM}。"),
        )
    return turns


def _turn(turn: Any, line: int, source: str) -> tuple[str, str, str]:
    fields = turn if isinstance(turn, dict) else {}
    speaker, text, intent = fields.get("speaker"), fields.get("text"), fields.get("intent")
    if intent is not None and not isinstance(intent, str):
        raise DataError(
            Remark(
                f"{source}, line {line}, has a turn with the intent {intent!r}, which is no text.",
                f"{source} 第 {line} 行有一轮的 intent 为 {intent!r}，不是文字。",
            ),
            Remark("Name a category of the FAQ, or leave it out.", "请写 FAQ 的类别，或者不写。"),
        )
    if speaker not in SPEAKERS or not isinstance(text, str):
        raise DataError(
            Remark(
                f"{source}, line {line}, has a turn of the speaker {speaker!r} with the text {str(text)[:40]!r}.",
                f"{source} 第 {line} 行有一轮的 speaker 为 {speaker!r}，text 为 {str(text)[:40]!r}。",
            ),
            Remark(
                f"A speaker is {' or '.join(SPEAKERS)}; a line is {FORM}.",
                f"speaker 只能是 {' 或 '.join(SPEAKERS)}；每行的形式为 {FORM}。",
            ),
        )
    return speaker, kept(text), (intent or "").strip()
