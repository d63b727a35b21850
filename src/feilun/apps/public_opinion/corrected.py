"""What operators put right, as rows to learn from: text and label of each document whose label they changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from feilun.storage import opinion


@dataclass(frozen=True)
class Corrected:
    """What is right by the word of people, never by a model's own.

    Args:
        sentiment: Sentiment by text.
        topics: Topics by text.
    """

    sentiment: dict[str, str]
    topics: dict[str, list[str]]


def corrected(connection: Connection) -> Corrected:
    """Return the documents whose sentiment or topics were changed, each as it stands now.

    Args:
        connection: A transaction.
    """
    changed: dict[str, set[str]] = {"sentiment": set(), "topics": set()}
    for row in opinion.corrections(connection):
        before, after = row.before["analysis"], row.after["analysis"]
        for name, keys in changed.items():
            if before[name] != after[name]:
                keys.add(row.document)
    found = Corrected({}, {})
    wanted = sorted(changed["sentiment"] | changed["topics"])
    for start in range(0, len(wanted), opinion.ASKED_AT_ONCE):
        for row in opinion.documents(connection, keys=wanted[start : start + opinion.ASKED_AT_ONCE]):
            _gather(found, row, changed)
    return found


def _gather(found: Corrected, row: Any, changed: dict[str, set[str]]) -> None:
    text = "\n".join(part for part in (row.title, row.body) if part)
    if row.key in changed["sentiment"]:
        found.sentiment[text] = row.analysis["sentiment"]
    if row.key in changed["topics"]:
        found.topics[text] = list(row.analysis["topics"])
