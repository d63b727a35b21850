"""What a source of documents is: records in batches, each with the position from which to go on after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from feilun.apps.public_opinion.document import Form


@dataclass(frozen=True)
class Letter:
    """A record that could not even be read.

    Args:
        place: Where it stands, such as `news.csv, line 7`.
        reason: Why it could not be read.
        raw: What stands there.
    """

    place: str
    reason: str
    raw: str


@dataclass(frozen=True)
class Batch:
    """Records that were read.

    Args:
        records: Each with its place.
        position: Where to go on once these are kept; anything that JSON holds.
        dead: What could not be read.
    """

    records: tuple[tuple[str, Mapping[str, Any]], ...]
    position: Any
    dead: tuple[Letter, ...] = field(default=())


class Source(Protocol):
    """Where documents come from."""

    @property
    def name(self) -> str:
        """Names its saved position and, where a record names no publisher, its publisher."""
        ...

    @property
    def form(self) -> Form:
        """How its records are read."""
        ...

    def read(self, position: Any) -> Iterator[Batch]:
        """Yield what there is after a position, in order, and end; None stands before everything."""
        ...


class Remote(Source, Protocol):
    """A source that another machine gives, which may hang."""

    def is_due(self, position: Any) -> bool:
        """Return whether it is time to read on from a position."""
        ...
