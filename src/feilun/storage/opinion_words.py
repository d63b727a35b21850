"""The index of the terms of documents: FTS5 on SQLite, a tsvector with a GIN index on PostgreSQL.

A row's number holds the second at which its document was published and the document's own number below it, so that the
latest are found first without sorting, and a span of time is a span of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection, text

DOCUMENT_BITS = 30
"""Bits of a row's number that are the document's own: a thousand million documents."""

LARGEST_NUMBER = (1 << 63) - 1
"""Of a row, in both databases."""

MOST_TERMS = 16_000
"""Terms of a document that count, its first ones: PostgreSQL knows places up to 16,383."""

READ_AT_ONCE = 500


@dataclass(frozen=True)
class Indexed:
    """What a document is found by.

    Args:
        document: Its sequence number.
        published: Its time, seconds since 1970.
        terms: Letters and digits alone, in the order in which they stand.
    """

    document: int
    published: float
    terms: Sequence[str]

    @property
    def number(self) -> int:
        """Return the number of its row."""
        return _first_number(self.published) + self.document


@dataclass(frozen=True)
class Phrase:
    """Terms that must follow each other.

    Args:
        terms: Letters and digits alone.
        begins: The last of them needs only begin a term.
    """

    terms: tuple[str, ...]
    begins: bool = False


def add(connection: Connection, rows: Iterable[Indexed]) -> None:
    """Put documents in, none of which is there yet."""
    if connection.dialect.name == "sqlite":
        _run(connection, "insert into opinion_words (rowid, terms) values (:number, :terms)", _worded(rows))
    else:
        _run(connection, "insert into opinion_words values (:number, cast(:terms as tsvector))", _placed(rows))


def remove(connection: Connection, rows: Iterable[Indexed]) -> None:
    """Take documents out, each with the terms that it was put in with."""
    if connection.dialect.name == "sqlite":
        removed = "insert into opinion_words (opinion_words, rowid, terms) values ('delete', :number, :terms)"
        _run(connection, removed, _worded(rows))
    else:
        _run(connection, "delete from opinion_words where number = :number", [{"number": row.number} for row in rows])


def clear(connection: Connection) -> None:
    """Take all documents out."""
    empty = "insert into opinion_words (opinion_words) values ('delete-all')"
    connection.execute(text(empty if connection.dialect.name == "sqlite" else "truncate opinion_words"))


def find(
    connection: Connection, wanted: Sequence[Phrase], since: float | None = None, until: float | None = None
) -> Iterator[int]:
    """Yield the sequence numbers of the documents that hold all phrases, the latest first.

    Args:
        connection: A transaction.
        wanted: At least one phrase; what stands in it is never read as a query.
        since: Only from this second on, whole seconds.
        until: Only before it, likewise.
    """
    lite = connection.dialect.name == "sqlite"
    number, holds = ("rowid", "match :query") if lite else ("number", "@@ cast(:query as tsquery)")
    column = "opinion_words" if lite else "terms"
    query = text(
        f"select {number} from opinion_words where {column} {holds}"  # noqa: S608 - names of our own
        f" and {number} >= :low and {number} < :high order by {number} desc"
    )
    high = LARGEST_NUMBER if until is None else _first_number(until)
    values = {"query": (_match if lite else _tsquery)(wanted), "low": _first_number(since or 0.0), "high": high}
    for found in connection.execute(query, values, execution_options={"yield_per": READ_AT_ONCE}).scalars():
        yield int(found) % (1 << DOCUMENT_BITS)


def _first_number(second: float) -> int:
    """Return the first number that a document of a second can have; the largest there is for seconds beyond."""
    return min(int(second) << DOCUMENT_BITS, LARGEST_NUMBER)


def _run(connection: Connection, statement: str, values: Sequence[dict[str, object]]) -> None:
    if values:
        connection.execute(text(statement), values)


def _worded(rows: Iterable[Indexed]) -> list[dict[str, object]]:
    """Return rows as FTS5 takes them: terms with blanks between."""
    return [{"number": row.number, "terms": " ".join(row.terms[:MOST_TERMS])} for row in rows]


def _placed(rows: Iterable[Indexed]) -> list[dict[str, object]]:
    """Return rows as a tsvector is written: each term with the places at which it stands."""
    written: list[dict[str, object]] = []
    for row in rows:
        places: dict[str, list[int]] = {}
        for place, term in enumerate(row.terms[:MOST_TERMS], 1):
            places.setdefault(term, []).append(place)
        terms = " ".join(f"'{term}':{','.join(map(str, found))}" for term, found in places.items())
        written.append({"number": row.number, "terms": terms})
    return written


def _match(wanted: Sequence[Phrase]) -> str:
    """Return phrases as FTS5 asks for them."""
    return " AND ".join(f'"{" ".join(one.terms)}"' + (" *" if one.begins else "") for one in wanted)


def _tsquery(wanted: Sequence[Phrase]) -> str:
    """Return phrases as a tsquery."""
    marks = ((chain([""] * (len(one.terms) - 1), [":*" if one.begins else ""])) for one in wanted)
    parts = (
        " <-> ".join(f"'{term}'{mark}" for term, mark in zip(one.terms, own, strict=True))
        for one, own in zip(wanted, marks, strict=True)
    )
    return " & ".join(f"({part})" for part in parts)
