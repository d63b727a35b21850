"""How far people who labelled the same texts agree, beyond what chance would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

Ratings = Mapping[str, Mapping[str, str]]
"""Labels by text (its row, or whatever names it) and by the person who gave them."""


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Cohen's kappa (1960) of two people's labels of the same texts.

    Args:
        first: One person's labels, shape (texts,).
        second: The other's, in the same order.

    Returns:
        1 where they agree in all, 0 where as often as chance would; nan where both gave one and the same label always,
        or there is no text.
    """
    if not first:
        return float("nan")
    observed = float(np.mean([one == other for one, other in zip(first, second, strict=True)]))
    ones, others = Counter(first), Counter(second)
    expected = sum(ones[label] * others[label] for label in ones) / len(first) ** 2
    return float("nan") if expected == 1 else (observed - expected) / (1 - expected)


def fleiss_kappa(ratings: Ratings) -> float:
    """Return Fleiss' kappa (1971) over the texts that the most people labelled, all of them equally many.

    Returns:
        As for Cohen's; nan where no text has two labels.
    """
    counts = [Counter(given.values()) for given in ratings.values()]
    raters = max((counted.total() for counted in counts), default=0)
    full = [counted for counted in counts if counted.total() == raters]
    if raters < 2:
        return float("nan")
    pairs = raters * (raters - 1)
    observed = float(np.mean([sum(n * (n - 1) for n in counted.values()) / pairs for counted in full]))
    shares = sum(full, Counter())
    expected = sum((n / shares.total()) ** 2 for n in shares.values())
    return float("nan") if expected == 1 else (observed - expected) / (1 - expected)


def krippendorff_alpha(ratings: Ratings) -> float:
    """Return Krippendorff's alpha for labels without an order (2004, chapter 11); people may have left out texts.

    Returns:
        1 where all agree, 0 where as often as chance would; nan where fewer than two labels were given in all.
    """
    values: Counter[str] = Counter()
    agreeing = 0.0
    for given in ratings.values():
        counted = Counter(given.values())
        if counted.total() < 2:
            continue
        values += counted
        agreeing += sum(n * (n - 1) for n in counted.values()) / (counted.total() - 1)
    total = values.total()
    by_chance = sum(n * (n - 1) for n in values.values())
    if total < 2 or by_chance == total * (total - 1):
        return float("nan")
    return float(1 - (1 - agreeing / total) / (1 - by_chance / (total * (total - 1))))


def pairs_of_people(ratings: Ratings) -> Iterable[tuple[str, str, list[str], list[str]]]:
    """Yield each pair of people with both one's labels of the texts that both labelled."""
    people = sorted({person for given in ratings.values() for person in given})
    for one, other in combinations(people, 2):
        both = [given for given in ratings.values() if one in given and other in given]
        yield one, other, [given[one] for given in both], [given[other] for given in both]


def majority(given: Mapping[str, str]) -> str | None:
    """Return the label that most people gave a text; None where two are equally frequent."""
    (first, *others) = Counter(given.values()).most_common(2)
    return None if others and others[0][1] == first[1] else first[0]


def confused(ratings: Ratings) -> list[tuple[str, str, int]]:
    """Return the pairs of labels that different people gave one text, with the number of such texts, most first."""
    found: Counter[tuple[str, str]] = Counter()
    for given in ratings.values():
        found.update(combinations(sorted(set(given.values())), 2))
    return [(one, other, count) for (one, other), count in found.most_common()]
