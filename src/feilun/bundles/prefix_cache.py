"""What was read of the latest conversations, so that a further turn of one reads only what is new.

Keys and values stay in memory alone, for a while, and serve nobody but whose conversation it was: how fast an answer
comes tells no one what others have asked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from threading import Lock
from typing import Any

from feilun.bundles.onnx_engine import Beginning, value_of

MOST_BYTES, MOST_SECONDS = 128 * 2**20, 600.0
FEWEST_TOKENS = 16
"""Fewer are read again as fast as their keys and values are copied."""


@dataclass(frozen=True)
class _Read:
    owner: str
    ids: list[int]
    kept: Mapping[str, Any]
    at: float


class PrefixCache:
    """Keeps keys and values of what was read of conversations; safe to share between threads.

    Args:
        most_bytes: Of all keys and values; the oldest conversations are dropped first.
        most_seconds: After which a conversation is dropped.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        most_bytes: int = MOST_BYTES,
        most_seconds: float = MOST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_bytes, self._most_seconds, self._clock = most_bytes, most_seconds, clock
        self._reads: list[_Read] = []
        self._lock = Lock()

    def beginning(self, owner: str, prompt: Sequence[int]) -> Beginning | None:
        """Return the longest beginning of a prompt that was read for its owner; None where none is worth it."""
        with self._lock:
            self._drop()
            own = [(_common(read.ids, prompt), read) for read in self._reads if read.owner == owner]
        length, read = max(own, key=lambda pair: pair[0], default=(0, None))
        if read is None or length < FEWEST_TOKENS:
            return None
        if length == len(read.ids):
            return Beginning(read.ids, dict(read.kept))
        cut = {name: value_of(value.numpy()[:, :, :length]) for name, value in read.kept.items()}
        return Beginning(read.ids[:length], cut)

    def keep(self, owner: str, ids: Sequence[int], kept: Mapping[str, Any]) -> None:
        """Keep what was read; a conversation's earlier turns are in its later ones and are dropped."""
        added = _Read(owner, list(ids), kept, self._clock())
        with self._lock:
            others = [read for read in self._reads if read.owner != owner or list(ids[: len(read.ids)]) != read.ids]
            self._reads = [*others, added]
            self._drop()

    def _drop(self) -> None:
        """Drop what is too old, then the oldest until the rest fits."""
        oldest = self._clock() - self._most_seconds
        self._reads = [read for read in self._reads if read.at >= oldest]
        while sum(map(_bytes, self._reads)) > self._most_bytes:
            del self._reads[0]


def _common(ids: Sequence[int], prompt: Sequence[int]) -> int:
    """Return how many tokens both begin with, one of the prompt's left out: there must be something to read."""
    pairs = zip(ids, prompt[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _bytes(read: _Read) -> int:
    return sum(4 * math.prod(value.shape()) for value in read.kept.values())
