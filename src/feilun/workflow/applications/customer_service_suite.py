"""A suite: conversations with the action, the answer's text or the citation that is expected of each reply."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.reply import Reply
from feilun.core.errors import DataError, nearest
from feilun.data.paths import shown

EXPECTED = ("action", "intent", "contains", "cites")
FORM = '{"turns": [{"say": "…", "action": "answer", "contains": "…", "cites": "FAQ"}]}'


@dataclass(frozen=True)
class Outcome:
    """How an application did.

    Args:
        turns: Turns that were said.
        failures: One sentence for each turn whose reply is not as expected.
    """

    turns: int
    failures: tuple[str, ...]


def run_suite(desk: Desk, path: Path) -> Outcome:
    """Hold conversations and compare each reply with what is expected.

    Args:
        desk: The application.
        path: JSON Lines, a conversation a line; see `FORM`.

    Raises:
        DataError: If a line is no such conversation.
    """
    turns = 0
    failures = []
    for number, conversation in _conversations(path):
        identity = None
        for place, turn in enumerate(conversation, 1):
            answered = desk.say(str(turn["say"]), identity, "test")
            identity = answered.conversation
            turns += 1
            wrong = _differences(turn, answered.reply)
            if wrong:
                failures.append(f"line {number}, turn {place} ({turn['say']!r}): {'; '.join(wrong)}")
    return Outcome(turns, tuple(failures))


def _conversations(path: Path) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    if not path.is_file():
        raise DataError(f"There is no suite {shown(path)}.", f"A line is {FORM}.")
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            turns = json.loads(line)["turns"]
            unknown = [key for turn in turns for key in turn if key not in {"say", *EXPECTED}]
            complete = all("say" in turn for turn in turns)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{shown(path)}, line {number}, is no conversation.", f"A line is {FORM}.") from error
        if unknown or not complete:
            hint = nearest(unknown[0], EXPECTED) if unknown else "A turn has `say`."
            raise DataError(f"{shown(path)}, line {number}, has the key {unknown[:1]} or lacks one.", hint)
        yield number, turns


def _differences(turn: Mapping[str, Any], reply: Reply) -> list[str]:
    found = []
    for key, had in (("action", reply.action), ("intent", reply.intent)):
        if key in turn and turn[key] != had:
            found.append(f"{key} is {had!r}, expected {turn[key]!r}")
    if "contains" in turn and turn["contains"] not in reply.text:
        found.append(f"the text lacks {turn['contains']!r}: {reply.text[:80]!r}")
    if "cites" in turn and turn["cites"] not in {citation.source for citation in reply.citations}:
        found.append(f"{turn['cites']!r} is not cited")
    return found
