"""Calibration of an application on its own questions, held out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from feilun.apps.customer_service.finding.borrowed import MOST, Asked, borrowed
from feilun.apps.customer_service.finding.calibration import Calibration, calibrate
from feilun.apps.customer_service.finding.evidence import Evidence
from feilun.apps.customer_service.finding.library import ANSWER, Library
from feilun.apps.customer_service.finding.second_look import Reranker
from feilun.apps.customer_service.known.entries import FaqEntry, Passage
from feilun.apps.customer_service.known.spelling import spelt_alike
from feilun.core.errors import DataError
from feilun.core.ports import Embedder
from feilun.core.remark import Remark

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
    lender: Sequence[FaqEntry] = (),
) -> Thresholds:
    """Calibrate both rungs on held-out variants, or, where these are too few, with what another FAQ lends.

    Args:
        embedder: What finds by meaning.
        entries: The FAQ.
        passages: The documents.
        declined: Share of the questions without an answer that must be declined.
        precision: Share of the answers to the other questions that must be right.
        reranker: What looks again at close FAQ entries.
        lender: Entries of another FAQ, with variants enough, for one that has too few: those in its languages lend,
            where they are enough. The embedder must have learned neither from its held-out variants nor from any way to
            ask the FAQ itself.

    Raises:
        DataError: If the FAQ and the lender have too few variants.
    """
    held = held_out(entries)
    if not enough(held):
        return _borrowed(embedder, entries, passages, lender, declined, precision, reranker)
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


def _borrowed(
    embedder: Embedder | None, entries: Sequence[FaqEntry], passages: Sequence[Passage], lender: Sequence[FaqEntry],
    declined: float, precision: float, reranker: Reranker | None,
) -> Thresholds:  # fmt: skip
    lender = _speaking_like(entries, lender)
    held = held_out(lender)
    if not enough(held):
        raise DataError(
            Remark(
                f"Only {len(held_out(entries))} FAQ entries have two variants or more; thresholds need at least "
                f"{FEWEST} of them to be calibrated on.",
                f"只有 {len(held_out(entries))} 个 FAQ 条目有两种以上问法；校准阈值至少需要 {FEWEST} 个。",
            ),
            Remark(
                "Give entries further ways to ask them in the column `variants`.",
                "请在 `variants` 列里为条目补充更多问法。",
            ),
        )
    lent = Asked(
        Library(embedder, [replace(one, variants=(), learned=()) for one in lender], (), reranker), lender, held
    )
    ways = {entry.id: _one_of(entry.variants, entry.id) for entry in entries if entry.variants}
    own = Asked(Library(embedder, without_held_out(entries, ways), passages, reranker), entries, ways)
    return Thresholds(
        borrowed(own, lent, Library.question, "", declined, precision),
        borrowed(own, lent, Library.passage, ANSWER, declined, precision),
    )


def _speaking_like(entries: Sequence[FaqEntry], lender: Sequence[FaqEntry]) -> Sequence[FaqEntry]:
    """Return the lender's entries in the languages of a FAQ, where they are enough.

    A base for one language alone tells nothing in the other: what it says there would teach that cosines tell nothing.
    """
    languages = {entry.language for entry in entries}
    spoken = [entry for entry in lender if entry.language in languages]
    return spoken if enough(held_out(spoken)) else lender


def enough(held: Mapping[str, str]) -> bool:
    """Say whether so many variants are held out that weights can be fitted to them, and a base fine-tuned beside."""
    return len(held) >= FEWEST


def held_out(entries: Sequence[FaqEntry]) -> dict[str, str]:
    """Return, by entry, the variant that no model learns from and the thresholds are chosen on.

    Of entries with two variants or more, one that follows from the entry's id: other entries change nothing in it.
    """
    return {entry.id: _one_of(entry.variants, entry.id) for entry in entries if len(entry.variants) > 1}


def _one_of(variants: Sequence[str], identity: str) -> str:
    return variants[crc32(identity.encode()) % len(variants)]


def without_held_out(entries: Iterable[FaqEntry], held: Mapping[str, str]) -> list[FaqEntry]:
    """Return entries without the variants that are held out, in whatever entry and spelling they stand."""
    apart = {spelt_alike(text) for text in held.values()}

    def rest(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(text for text in texts if spelt_alike(text) not in apart)

    return [replace(entry, variants=rest(entry.variants), learned=rest(entry.learned)) for entry in entries]
