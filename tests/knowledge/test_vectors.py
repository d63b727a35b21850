"""Vectors are found exactly while they are few and by a graph above, and rows of what left are taken again."""

import numpy as np
import pytest

from feilun.knowledge.vectors import VectorIndex

DRAW = np.random.default_rng(7)


def vectors(*numbers):
    return {number: DRAW.standard_normal(16).astype(np.float32) for number in numbers}


def nearest(known, query, limit):
    cosines = {n: float(v @ query / np.linalg.norm(v) / np.linalg.norm(query)) for n, v in known.items()}
    return sorted(cosines.items(), key=lambda item: -item[1])[:limit]


@pytest.mark.parametrize("exact_below", [10_000, 50])
def test_what_is_found_is_what_is_nearest_while_vectors_come_and_go(exact_below):
    index, known, query = VectorIndex(16, exact_below), {}, next(iter(vectors(0).values()))
    for step in range(12):
        added = vectors(*range(100 * step, 100 * step + 60))
        removed = [number for number in known if number % 7 == step % 7]
        index.change(added, [*removed, 10**9])
        known = {n: v for n, v in {**known, **added}.items() if n not in removed}
        assert len(index) == len(known)
        found, wanted = index.search(query, 5), nearest(known, query, 5)
        assert [number for number, _ in found] == [number for number, _ in wanted]
        assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in wanted], abs=1e-5)
        some = list(known)[:9]
        assert set(index.cosines(query, [*some, 10**9])) == set(some)
    index.change({}, list(known))
    assert index.search(query, 5) == []


def test_more_than_there_are_and_none_are_asked_for():
    index = VectorIndex(16)
    known = vectors(1, 2, 3)
    index.change(known)
    query = next(iter(vectors(0).values()))
    assert [n for n, _ in index.search(query, 99)] == [n for n, _ in nearest(known, query, 99)]
    assert index.search(query, 0) == []
    assert [n for n, _ in index.search(query, 2, allowed=[3, 8])] == [3]
