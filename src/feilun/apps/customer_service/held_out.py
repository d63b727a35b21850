"""Calibration of an application on its own questions, held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from feilun.apps.customer_service.calibration import Calibration, calibrate
from feilun.apps.customer_service.entries import FaqEntry, Passage
from feilun.apps.customer_service.evidence import NAMES, Evidence
from feilun.apps.customer_service.library import Library
from feilun.core.errors import DataError
from feilun.core.ports import Embedder

MOST = 1500
"""Held-out questions; of more, every so many-th is taken."""

FEWEST = 20
"""Entries with variants enough, below which nothing can be calibrated."""


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
    held = held_out(entries)
    if len(held) < FEWEST:
        raise DataError(
            f"Only {len(held)} FAQ entries have two variants or more; thresholds need at least {FEWEST} of them to be "
            "calibrated on.",
            "Give entries further ways to ask them in the column `variants`.",
        )
    rest = [replace(e, variants=tuple(v for v in e.variants if v != held.get(e.id))) for e in entries]
    library = Library(embedder, rest, passages)
    curated, grounded = _Cases(), _Cases()
    asked = [entry for entry in entries if entry.id in held]
    for entry in asked[:: 1 + len(asked) // MOST]:
        _ask(library, entry, held[entry.id], curated, grounded)
    return Thresholds(curated.calibration(curated_precision), grounded.calibration(grounded_precision))


def held_out(entries: Sequence[FaqEntry]) -> dict[str, str]:
    """Return, by entry, the variant that no model learns from and the thresholds are chosen on.

    Of entries with two variants or more, each time another one: first, second, … of its entry in turn.
    """
    return {
        entry.id: entry.variants[number % len(entry.variants)]
        for number, entry in enumerate(entries)
        if len(entry.variants) > 1
    }


def _ask(library: Library, entry: FaqEntry, variant: str, curated: _Cases, grounded: _Cases) -> None:
    """Ask a held-out variant with and without its entry."""
    vector = library.embed(variant)
    curated.add(library.question(variant, vector), entry.id)
    curated.add(library.question(variant, vector, without={entry.id}), None)
    if "{" not in entry.answer:
        answer = f"{entry.id}-answer"
        grounded.add(library.passage(variant, vector), answer)
        grounded.add(library.passage(variant, vector, without={answer}), None)


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
