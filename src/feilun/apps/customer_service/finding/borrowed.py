"""How sure an answer has to be where a FAQ has too few ways to ask to find out: weights are borrowed from another FAQ.

The lender has ways to ask enough. Its weights are taken over in units of how far each feature varies among what is
found for a question that nothing answers: that differs between FAQs, and is known for each. The threshold is the FAQ's
own: each of its questions is asked with its own entry taken out. These are closer to each other than customers'
questions are, so that more of those are declined, not fewer (docs/benchmarks.md, "A FAQ without variants").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.finding.calibration import Calibration, calibrate, judged_by
from feilun.apps.customer_service.finding.evidence import Evidence
from feilun.apps.customer_service.finding.library import ANSWER, Library
from feilun.apps.customer_service.known.entries import FaqEntry

FEWEST_CANDIDATES = 100
"""Candidates below which nothing can be said of how far a FAQ's features vary: the lender's say it."""

NARROWEST = 0.25
"""Share of the lender's spread of a feature, below which its own is not believed: it would be weighed beyond reason."""

FEWEST_LEFT_OUT = 20
"""Own questions below which no threshold can be chosen on them alone: the lender's are asked too, as a stranger's."""

MOST = 1500
"""Questions that are asked; of more, every so many-th is taken."""

Find = Callable[[Library, str, NDArray[np.float32] | None], Evidence | None]
"""Finds candidates for a question by its words and its vector: `Library.question` or `Library.passage`."""


@dataclass(frozen=True)
class Asked:
    """A FAQ, and what it is asked.

    Args:
        library: Holds its entries without the ways that are asked.
        entries: They.
        ways: Ways to ask, by the entry.
    """

    library: Library
    entries: Sequence[FaqEntry]
    ways: Mapping[str, str]
    _vectors: dict[str, NDArray[np.float32] | None] = field(default_factory=dict)

    def found(self, find: Find, text: str) -> Evidence | None:
        """Return what is found for a question, which is read once for all rungs."""
        if text not in self._vectors:
            self._vectors[text] = self.library.embed(text)
        return find(self.library, text, self._vectors[text])


def borrowed(own: Asked, lender: Asked, find: Find, suffix: str, declined: float, precision: float) -> Calibration:
    """Calibrate a rung for a FAQ by the ways in which another one is asked.

    Args:
        own: The FAQ; its ways, if it has any, are what the figures are measured on.
        lender: The other one.
        find: What the rung weighs.
        suffix: What makes of an entry's id that of the right candidate.
        declined: Share of the questions without an answer that must be declined.
        precision: Share of the lender's answers that must be right.

    Returns:
        The calibration; `first`, `answered` and `precision` are None where the FAQ has no ways to ask.
    """
    loan = calibrate(_said(lender, find, suffix), declined, precision)
    lent = _left_out(lender, find, suffix)
    left_out = _left_out(own, find, suffix)
    weights = _rescaled(np.array(loan.weights), _candidates(lent), _candidates(left_out))
    calibration = replace(loan, weights=tuple(weights.tolist()))
    if len(left_out) < FEWEST_LEFT_OUT:
        left_out += _strangers(own, lender, find)
    chances = np.array([_best(calibration, found) for found in left_out])
    calibration = replace(calibration, threshold=max(loan.threshold, _above(chances, declined)))
    return replace(
        calibration,
        **judged_by(calibration, _said(own, find, suffix)),
        declined=float((chances < calibration.threshold).mean()) if len(chances) else 1.0,
        left_out=len(chances),
    )


def _said(asked: Asked, find: Find, suffix: str) -> list[tuple[Evidence | None, str]]:
    """Return what is found for the ways to ask, each with the right candidate."""
    wanted = [entry for entry in asked.entries if entry.id in asked.ways and _may_answer(entry, suffix)]
    return [(asked.found(find, asked.ways[entry.id]), entry.id + suffix) for entry in _some(wanted)]


def _left_out(asked: Asked, find: Find, suffix: str) -> list[Evidence | None]:
    """Return what is found for each of a FAQ's questions when its own entry, and what answers alike, is not there."""
    wanted = [entry for entry in asked.entries if _may_answer(entry, suffix)]
    found = [(asked.found(find, entry.question), entry.id + suffix) for entry in _some(wanted)]
    return [None if evidence is None else evidence.without(right) for evidence, right in found]


def _strangers(own: Asked, lender: Asked, find: Find) -> list[Evidence | None]:
    """Return what is found for the lender's questions in the FAQ, those of its languages."""
    library = own.library
    languages = {one.language for one in library.entries.values()} | {one.language for one in library.passages.values()}
    return [own.found(find, entry.question) for entry in lender.entries if entry.language in languages]


def _some(entries: Sequence[FaqEntry]) -> Sequence[FaqEntry]:
    return entries[:: 1 + len(entries) // MOST]


def _may_answer(entry: FaqEntry, suffix: str) -> bool:
    return suffix != ANSWER or entry.speaks


def _candidates(found: Sequence[Evidence | None]) -> NDArray[np.float64] | None:
    """Return the features of all candidates, shape (candidates, features); None where there is none."""
    rows = [evidence.features for evidence in found if evidence is not None and len(evidence.ids)]
    return np.concatenate(rows) if rows else None


def _rescaled(
    weights: NDArray[np.float64], lent: NDArray[np.float64] | None, own: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return weights that say of a FAQ's candidates, standardised, what the lender's say of its own."""
    if lent is None or own is None or len(own) < FEWEST_CANDIDATES:
        return weights
    spread = np.maximum(lent.std(axis=0), 1e-9)
    standard = weights[:-1] * spread
    slopes = standard / np.maximum(own.std(axis=0), NARROWEST * spread)
    constant = weights[-1] + weights[:-1] @ lent.mean(axis=0) - slopes @ own.mean(axis=0)
    return np.append(slopes, constant)


def _best(calibration: Calibration, found: Evidence | None) -> float:
    weighed = calibration.weighed(found) if found is not None else []
    return weighed[0].probability if weighed else 0.0


def _above(chances: NDArray[np.float64], declined: float) -> float:
    """Return the lowest threshold that declines that share."""
    return float(np.nextafter(np.quantile(chances, declined, method="higher"), 2)) if len(chances) else 0.0
