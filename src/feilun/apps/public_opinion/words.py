"""What a document is found by: the words of its title and body, whom it names, what it says of them, and its origin.

The index of words (`storage/opinion_words.py`) changes in the transactions that change documents, so that a process
that is killed leaves it as it leaves them. It can be filled anew from them at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from feilun.apps.public_opinion.regions import region_name
from feilun.apps.public_opinion.understanding import Analysis
from feilun.knowledge.terms import phrases
from feilun.storage import opinion, opinion_words
from feilun.storage.database import Database
from feilun.storage.opinion_words import Indexed, Phrase
from feilun.text.segment import HAN

POSITION = "words"
"""Position that says which form of terms the index has, and up to which document it was filled."""

FORM = 1
"""The form of the terms: another number fills the index anew."""

FILLED_AT_ONCE = 2_000


def terms(document: Any, analysis: Analysis) -> list[str]:
    """Return the terms that a document is found by.

    Args:
        document: Its source, region, title and body.
        analysis: What it says.
    """
    words = chain.from_iterable(phrases(f"{document.title}\n{document.body}"))
    return [*_marks(document.source, document.region, analysis), *words]


def of_row(row: Any) -> Indexed:
    """Return what a stored document is found by."""
    return Indexed(row.sequence, row.published, terms(row, Analysis.from_json(row.analysis)))


def wanted(words: str, entity: str, topic: str, sentiment: str, source: str, region: str = "") -> list[Phrase] | None:
    """Return what documents must hold.

    Args:
        words: Words and parts of Chinese texts, all of which they hold.
        entity: Whom they name.
        topic: What they are about.
        sentiment: negative, neutral or positive: for the entity, where one is wanted.
        source: Who published them.
        region: Where they are from, by any of its names.

    Returns:
        Phrases; none where all is empty, None where words hold nothing to look for.
    """
    parts = [_phrase(run) for run in phrases(words)]
    if words and not parts:
        return None
    marks = [_mark("entity", entity, sentiment)] if entity else [_mark("sentiment", sentiment)] if sentiment else []
    others = (("topic", topic), ("source", source), ("region", region_name(region)))
    marks += [_mark(name, value) for name, value in others if value]
    return [*parts, *(Phrase((mark,)) for mark in marks)]


def fill(database: Database, *, anew: bool = False) -> int:
    """Put documents into the index that are not in it: those of before an upgrade, in pieces that stay.

    Args:
        database: Holds them; nobody else writes documents meanwhile.
        anew: Fill it from the beginning.

    Returns:
        How many were put in.
    """
    with database.write() as connection:
        position = opinion.position(connection, POSITION) or {}
        if anew or position.get("form") != FORM:
            opinion_words.clear(connection)
            position = {"form": FORM, "until": 0}
            opinion.save_position(connection, POSITION, position)
    total, until = 0, position["until"]
    while until is not None:
        with database.write() as connection:
            rows = list(opinion.documents(connection, after=until, limit=FILLED_AT_ONCE, written=True))
            opinion_words.add(connection, map(of_row, rows))
            until = rows[-1].sequence if len(rows) == FILLED_AT_ONCE else None
            opinion.save_position(connection, POSITION, {"form": FORM, "until": until})
        total += len(rows)
    return total


def is_filled(connection: Connection) -> bool:
    """Return whether the index holds all documents."""
    return bool(opinion.position(connection, POSITION) == {"form": FORM, "until": None})


def _marks(source: str, region: str, analysis: Analysis) -> Iterable[str]:
    """Return the terms that stand for what is known of a document beside its words."""
    yield _mark("source", source)
    if region:
        yield _mark("region", region)
    yield _mark("sentiment", analysis.sentiment)
    for topic in analysis.topics:
        yield _mark("topic", topic)
    for entity, sentiment in analysis.entities:
        yield _mark("entity", entity, "")
        yield _mark("entity", entity, sentiment)


def _mark(*parts: str) -> str:
    """Return a term that no text has."""
    return "mark" + hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:20]


def _phrase(run: tuple[str, ...]) -> Phrase:
    """Return how a run of a query is looked for: the pairs of Chinese, a single character, or a word."""
    return Phrase(run[:-1]) if len(run) > 1 else Phrase(run, begins=HAN.search(run[0]) is not None)
