"""Calibration of an application on its own questions, held out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from feilun.apps.customer_service.finding.calibration import Calibration, calibrate
from feilun.apps.customer_service.finding.evidence import Evidence
from feilun.apps.customer_service.finding.library import ANSWER, Library
from feilun.apps.customer_service.finding.second_look import Reranker
from feilun.apps.customer_service.known.entries import FaqEntry, Passage
from feilun.core.errors import DataError
from feilun.core.ports import Embedder
from feilun.knowledge.terms import simplified

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
    declined: float,
    precision: float,
    reranker: Reranker | None = None,
) -> Thresholds:
    """Calibrate both rungs on held-out variants.

    Args:
        embedder: What finds by meaning.
        entries: The FAQ.
        passages: The documents.
        declined: Share of the questions without an answer that must be declined.
        precision: Share of the answers to the other questions that must be right.
        reranker: What looks again at close FAQ entries.

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
    library = Library(embedder, without_held_out(entries, held), passages, reranker)
    curated: list[tuple[Evidence | None, str]] = []
    grounded: list[tuple[Evidence | None, str]] = []
    asked = [entry for entry in entries if entry.id in held]
    for entry in asked[:: 1 + len(asked) // MOST]:
        variant = held[entry.id]
        vector = library.embed(variant)
        curated.append((library.question(variant, vector), entry.id))
        if entry.speaks:
            grounded.append((library.passage(variant, vector), entry.id + ANSWER))
    return Thresholds(calibrate(curated, declined, precision), calibrate(grounded, declined, precision))


def held_out(entries: Sequence[FaqEntry]) -> dict[str, str]:
    """Return, by entry, the variant that no model learns from and the thresholds are chosen on.

    Of entries with two variants or more, one that follows from the entry's id: other entries change nothing in it.
    """
    return {
        entry.id: entry.variants[crc32(entry.id.encode()) % len(entry.variants)]
        for entry in entries
        if len(entry.variants) > 1
    }


def without_held_out(entries: Iterable[FaqEntry], held: Mapping[str, str]) -> list[FaqEntry]:
    """Return entries without the variants that are held out, in whatever entry and spelling they stand."""
    apart = {spelt_alike(text) for text in held.values()}

    def rest(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(text for text in texts if spelt_alike(text) not in apart)

    return [replace(entry, variants=rest(entry.variants), learned=rest(entry.learned)) for entry in entries]


def spelt_alike(text: str) -> str:
    """Return a form that texts share which differ in signs, capitals, or simplified and traditional characters."""
    return re.sub(r"\W+", "", simplified(text).casefold())
