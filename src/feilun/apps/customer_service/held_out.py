"""Calibration of an application on its own questions, held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.calibration import Calibration, calibrate
from feilun.apps.customer_service.entries import FaqEntry, Passage
from feilun.apps.customer_service.evidence import NAMES, Evidence
from feilun.apps.customer_service.library import Library
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import DataError
from feilun.core.ports import Embedder

MOST = 500
"""Held-out questions of a fold; of more, every so many-th is taken."""

FOLDS = 3
"""Variants of an entry that are held out, one after another."""

FEWEST = 20


@dataclass(frozen=True)
class Thresholds:
    """How sure the rungs have to be.

    Args:
        curated: For a curated answer.
        grounded: For an answer from a passage.
    """

    curated: Calibration
    grounded: Calibration

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"curated": self.curated.to_json(), "grounded": self.grounded.to_json()}

    @staticmethod
    def from_json(value: dict[str, Any]) -> Thresholds:
        """Read what `to_json` wrote."""
        return Thresholds(Calibration.from_json(value["curated"]), Calibration.from_json(value["grounded"]))


def thresholds(
    embedder: Embedder | None,
    entries: Sequence[FaqEntry],
    passages: Sequence[Passage],
    *,
    curated_precision: float,
    grounded_precision: float,
) -> Thresholds:
    """Calibrate both rungs on held-out variants.

    Args:
        embedder: What finds by meaning.
        entries: The FAQ.
        passages: The documents.
        curated_precision: Share of right ones wanted among curated answers.
        grounded_precision: The same among answers from passages.

    Raises:
        DataError: If the FAQ has too few variants.
    """
    askable = [entry for entry in entries if entry.variants]
    if len(askable) < FEWEST:
        raise DataError(
            f"Only {len(askable)} FAQ entries have a variant; thresholds need at least {FEWEST} to be calibrated on.",
            "Give entries further ways to ask them in the column `variants`.",
        )
    known = None if embedder is None else _Remembering(embedder)
    curated, grounded = _Cases(), _Cases()
    for fold in range(min(FOLDS, max(len(entry.variants) for entry in askable))):
        _ask(known, entries, passages, fold, curated, grounded)
    return Thresholds(curated.calibration(curated_precision), grounded.calibration(grounded_precision))


def _ask(
    embedder: Embedder | None,
    entries: Sequence[FaqEntry],
    passages: Sequence[Passage],
    fold: int,
    curated: _Cases,
    grounded: _Cases,
) -> None:
    """Hold out a variant of each entry that has so many, and ask it with and without its entry."""
    held = [(entry, entry.variants[fold]) for entry in entries if len(entry.variants) > fold]
    rest = [replace(e, variants=tuple(v for i, v in enumerate(e.variants) if i != fold)) for e in entries]
    library = Library(embedder, rest, passages)
    for entry, variant in held[:: max(1, len(held) // MOST)]:
        vector = library.embed(variant)
        curated.add(library.question(variant, vector), entry.id)
        curated.add(library.question(variant, vector, without={entry.id}), None)
        if "{" not in entry.answer:
            answer = f"{entry.id}-answer"
            grounded.add(library.passage(variant, vector), answer)
            grounded.add(library.passage(variant, vector, without={answer}), None)


class _Remembering:
    """An embedder that embeds each text once."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.known: dict[str, NDArray[np.float32]] = {}

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(corpus.text) if text not in self.known]
        if new:
            self.known.update(zip(new, self.embedder.embed(corpus_of(new)), strict=True))
        return np.stack([self.known[text] for text in corpus.text])


class _Cases:
    """Questions with what was found for them, and whether that is right."""

    def __init__(self) -> None:
        self.features: list[tuple[float, ...]] = []
        self.right: list[bool] = []
        self.answerable: list[bool] = []

    def add(self, found: Evidence | None, right: str | None) -> None:
        self.features.append(found.features if found else (0.0,) * len(NAMES))
        self.right.append(found is not None and found.hits[0].id == right)
        self.answerable.append(right is not None)

    def calibration(self, precision: float) -> Calibration:
        return calibrate(np.array(self.features), np.array(self.right), np.array(self.answerable), precision)
