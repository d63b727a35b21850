"""The observation log: every prediction is remembered, and no answer waits for it.

An answer only puts what is to be remembered into a buffer. A thread takes all that has come together, replaces personal
data and writes it in one transaction. What `flush` returned for is on the disk; what an answer promised is written
within a fraction of a second, and before the service ends. While the database refuses, the buffer holds what comes, up
to its bounds; what goes beyond is counted as lost, and its answer carries no id.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Condition, Thread
from typing import Any, Self

from feilun.core.corpus import Corpus
from feilun.core.errors import StorageError
from feilun.core.observation import Observation
from feilun.core.prediction import Prediction
from feilun.monitoring.redaction import kept, kept_cell, kept_in_place, kept_words
from feilun.storage import observations
from feilun.storage.database import Database

BATCH = 500
"""Observations of one transaction."""

GATHER_SECONDS = 0.1
"""How long a transaction waits for more to write; none is longer than that behind its answer."""

RETRY_SECONDS = 1.0
LEAVING_SECONDS = 10.0
"""How long the last observations are tried when the service ends."""

WAITING = 20_000
WAITING_CHARACTERS = 32_000_000
"""Bounds of the buffer."""

RANKED = 5
"""Best labels that are remembered of a prediction."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """A prediction that waits to be written.

    Args:
        id: Names it.
        time: When it was given, in seconds since 1970.
        bundle: What gave it: name@version.
        text: What was asked about.
        prediction: What was answered.
        latency: Seconds from the request to the answer.
        pair: The second text, where there is one.
        features: The columns beside the text, where there are such.
        asked: What is to be known of how it was asked, as `Observation.prediction` holds it.
    """

    id: str
    time: float
    bundle: str
    text: str
    prediction: Prediction
    latency: float
    pair: str | None = None
    features: Mapping[str, Any] | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def characters(self) -> int:
        """Return how long its row is."""
        cells = () if self.features is None else self.features.values()
        return len(self.text) + len(self.pair or "") + sum(len(cell) for cell in cells if isinstance(cell, str))


class ObservationLog:
    """Remembers predictions; `with log:` while it works.

    Args:
        database: Where they go; stays open, and is the caller's to close.
        share: Share of the predictions that is remembered, 0 to 1.
        waiting: Most observations that wait to be written.
    """

    def __init__(self, database: Database, share: float = 1.0, *, waiting: int = WAITING) -> None:
        self.database = database
        self.share = share
        self.written = 0
        self.lost = 0
        self.fault: StorageError | None = None
        self._bound = waiting
        self._buffer: deque[Seen] = deque()
        self._characters = 0
        self._taken = 0  # put into the buffer since the start
        self._settled = 0  # of these, written or given up
        self._changed = Condition()
        self._hurried = False
        self._deadline: float | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        self._deadline = None
        self._thread = Thread(target=self._work, name="observation log", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._deadline = time.monotonic() + LEAVING_SECONDS
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    @property
    def waiting(self) -> int:
        """Return how many observations are not written yet."""
        return len(self._buffer)

    def observe(
        self, bundle: str, rows: Corpus | Sequence[str], predictions: Sequence[Prediction], latency: float
    ) -> list[str | None]:
        """Remember predictions; takes some microseconds and never waits for the database.

        Args:
            bundle: What gave them: name@version.
            rows: What was asked about, as it came: texts, or a corpus where there is more than them.
            predictions: One a row.
            latency: Seconds from the request to the predictions.

        Returns:
            The id of each observation; None where the prediction is not remembered: it is not among the share, or
            the buffer is full.
        """
        now = time.time()
        texts = rows.text if isinstance(rows, Corpus) else rows
        identities: list[str | None] = []
        lists = isinstance(rows, Corpus) and rows.pair is not None  # candidates of a query are remembered together
        drawn: dict[Any, int] = {}
        with self._changed:
            for row, (text, prediction) in enumerate(zip(texts, predictions, strict=True)):
                identity = os.urandom(16)
                draw = drawn.setdefault(text if lists else row, int.from_bytes(identity[:4]))
                chosen = self._among(draw)
                if chosen:
                    beside = _beside(rows, row) if isinstance(rows, Corpus) else (None, None)
                    chosen = self._take(Seen(identity.hex(), now, bundle, text, prediction, latency, *beside))
                identities.append(identity.hex() if chosen else None)
            self._changed.notify_all()
        return identities

    def draw(self) -> str | None:
        """Return the id of an answer that is still to be given; None where it is not among the share."""
        identity = os.urandom(16)
        return identity.hex() if self._among(int.from_bytes(identity[:4])) else None

    def remember(self, seen: Seen) -> bool:
        """Remember an answer whose id was drawn before; False where the buffer is full."""
        with self._changed:
            taken = self._take(seen)
            self._changed.notify_all()
        return taken

    def flush(self) -> None:
        """Wait until all that was observed before is on the disk.

        Raises:
            StorageError: If the database refuses; what waits is kept and tried again.
        """
        with self._changed:
            goal, self.fault, self._hurried = self._taken, None, True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._settled >= goal or self.fault is not None)
            if self._settled < goal and self.fault is not None:
                raise self.fault

    def _among(self, draw: int) -> bool:
        """Say whether a draw of 32 bits is among the share that is remembered."""
        return draw < self.share * 2**32

    def _take(self, seen: Seen) -> bool:
        """Put a prediction into the buffer where there is room; say whether there was."""
        if len(self._buffer) >= self._bound or self._characters + seen.characters > WAITING_CHARACTERS:
            self.lost += 1
            return False
        self._buffer.append(seen)
        self._characters += seen.characters
        self._taken += 1
        return True

    def _work(self) -> None:
        while batch := self._next():
            lost = self._write(batch)
            with self._changed:
                for seen in batch:
                    self._buffer.popleft()
                    self._characters -= seen.characters
                self._settled += len(batch)
                self.written += len(batch) - lost
                self.lost += lost
                self._changed.notify_all()

    def _next(self) -> list[Seen]:
        """Wait for something to write and for what comes with it; nothing means that the work is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._buffer or self._deadline is not None)
            self._changed.wait_for(
                lambda: self._hurried or self._deadline is not None or len(self._buffer) >= BATCH, GATHER_SECONDS
            )
            if len(self._buffer) <= BATCH:
                self._hurried = False
            return list(islice(self._buffer, BATCH))

    def _write(self, batch: list[Seen]) -> int:
        """Write predictions, trying again while the database refuses; return how many were given up."""
        failing = False
        while True:
            try:
                lost = self._write_once(batch)
            except StorageError as error:
                if not failing:
                    log.error("Observations wait in memory: %s", error)
                failing = True
                with self._changed:
                    self.fault = error
                    self._changed.notify_all()
                    if self._deadline is not None and time.monotonic() > self._deadline:
                        log.error("%d observations are lost: the service ended first.", len(batch))
                        return len(batch)
                    self._changed.wait(RETRY_SECONDS)
                continue
            if failing:
                log.warning("The database takes observations again.")
            self.fault = None
            return lost

    def _write_once(self, batch: list[Seen]) -> int:
        try:
            rows = [_observation(seen) for seen in batch]
            with self.database.write() as connection:
                observations.add(connection, rows)
            return 0
        except StorageError:
            raise
        except Exception as error:  # one that cannot be read or held must not keep the others out
            if len(batch) > 1:
                return sum(self._write_once([seen]) for seen in batch)
            log.error("Observation %s cannot be stored: %s", batch[0].id, type(error).__name__)
            return 1


def _observation(seen: Seen) -> Observation:
    prediction, text = seen.prediction.to_json(RANKED), kept(seen.text)
    if seen.prediction.spans is not None:  # they quote the text, and are places in it
        text = kept_in_place(seen.text)
        spans = [{**span, "text": text[span["start"] : span["end"]]} for span in prediction["spans"]]
        prediction |= {"spans": spans, "label": " | ".join(f"{span['text']} [{span['label']}]" for span in spans)}
    if seen.prediction.text is not None:  # an answer may repeat what its prompt says
        prediction |= dict.fromkeys(("label", "text"), kept_words(seen.prediction.text)) | dict(seen.asked)
    pair = None if seen.pair is None else kept(seen.pair)
    features = None if seen.features is None else {name: kept_cell(cell) for name, cell in seen.features.items()}
    return Observation(seen.id, seen.time, seen.bundle, text, prediction, seen.latency, (), pair, features)


def _beside(corpus: Corpus, row: int) -> tuple[str | None, dict[str, Any] | None]:
    """Return the second text and the columns beside the text of a row, where there are such."""
    pair = None if corpus.pair is None else corpus.pair[row]
    return pair, {name: cells[row] for name, cells in corpus.features.items()} or None
