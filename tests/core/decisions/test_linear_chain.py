from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.core.decisions.linear_chain import Chains, possible_steps

sizes = given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 2))


def made(seed: int, tokens: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of tokens and of the steps between them."""
    generator, tags = np.random.default_rng(seed), 2 * labels + 1
    learnt = generator.normal(size=(tags, tags))
    return generator.normal(size=(tokens, tags)), np.where(possible_steps(tags), learnt, -np.inf)


def every_chain(scores: np.ndarray, steps: np.ndarray) -> dict[tuple[int, ...], float]:
    """Return the score of each chain that is possible, all of them written out."""
    found = {}
    for tags in product(range(len(steps)), repeat=len(scores)):
        before = (0, *tags[:-1])
        possible = all(
            tag == 0 or tag % 2 or earlier in {tag, tag - 1} for earlier, tag in zip(before, tags, strict=True)
        )
        if possible:
            own = sum(scores[token, tag] for token, tag in enumerate(tags))
            found[tags] = own + sum(steps[one, other] for one, other in pairwise(tags))
    return found


@sizes
@settings(max_examples=40)
def test_no_possible_chain_is_more_probable_than_the_one_found(seed, tokens, labels):
    scores, steps = made(seed, tokens, labels)
    (found,) = Chains.of([scores], steps).best()
    every = every_chain(scores, steps)
    assert every[tuple(found.tolist())] == pytest.approx(max(every.values()))


@sizes
@settings(max_examples=40)
def test_the_probability_of_a_tag_is_the_share_of_the_chains_that_have_it(seed, tokens, labels):
    scores, steps = made(seed, tokens, labels)
    (found,) = Chains.of([scores], steps).probabilities()
    expected = np.zeros_like(found)
    for tags, score in every_chain(scores, steps).items():
        expected[np.arange(tokens), tags] += np.exp(score)
    assert found == pytest.approx(expected / expected.sum(1, keepdims=True))


def test_texts_decoded_together_get_what_each_gets_alone():
    _, steps = made(3, 1, 2)
    scores = [made(seed, length, 2)[0] for seed, length in enumerate((4, 1, 0, 9, 1, 6))]
    together = Chains.of(scores, steps)
    for one, tags, shares in zip(scores, together.best(), together.probabilities(), strict=True):
        alone = Chains.of([one], steps)
        assert tags.tolist() == alone.best()[0].tolist()
        assert shares == pytest.approx(alone.probabilities()[0])


def test_a_very_long_text_does_not_underflow():
    scores, steps = made(1, 3000, 2)
    (shares,) = Chains.of([scores - 50.0], steps).probabilities()
    assert shares.sum(1) == pytest.approx(np.ones(3000))
