"""Two models on the same rows: McNemar's test against scipy's, and what must hold of any two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.prediction import Prediction, Ranking
from feilun.evaluation.metrics.arithmetic import Floats
from feilun.evaluation.paired import Comparison, compare, compare_sums, mcnemar
from feilun.evaluation.paired_tasks import COMPARISONS, compare_sets


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_mid_p_is_a_binomials(gained: int, lost: int) -> None:
    uneven = gained + lost
    expected = binom.sf(gained, uneven, 0.5) + binom.pmf(gained, uneven, 0.5) / 2
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-8)
    assert mcnemar(lost, gained) == pytest.approx(1 - expected, rel=1e-8)


def test_few_rows_are_enough_where_all_of_them_are_gained() -> None:
    assert mcnemar(3, 0) > 0.05 > mcnemar(4, 0)
    assert mcnemar(0, 0) == 0.5


def test_very_many_rows_neither_overflow_nor_take_long() -> None:
    assert mcnemar(20_000, 20_000) == pytest.approx(0.5)
    assert 0 <= mcnemar(22_000, 18_000) < 1e-80


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_changing_places_changes_the_sign_alone(rows: list[tuple[bool, bool]]) -> None:
    first, second = (np.array(column) for column in zip(*rows, strict=True))
    one, other = compare(first, second, resamples=50), compare(second, first, resamples=50)
    assert (one.gained, one.lost) == (other.lost, other.gained)
    assert one.p == pytest.approx(1 - other.p)
    assert one.difference.value == pytest.approx(-other.difference.value)
    assert one.difference.value == pytest.approx(one.challenger - one.champion)


def test_the_interval_of_a_paired_difference_is_narrower_than_of_two_samples() -> None:
    source = np.random.default_rng(0)
    champion = source.random(400) < 0.8
    challenger = champion.copy()
    challenger[np.flatnonzero(~champion)[:20]] = True
    found = compare(champion, challenger)
    assert found.difference.low is not None
    assert found.difference.high is not None
    assert 0 < found.difference.low < 0.05 < found.difference.high < 0.08


def test_no_rows_tell_nothing() -> None:
    none = np.zeros(0, dtype=np.bool_)
    found = compare(none, none)
    assert (found.n, found.p, found.to_json()["champion"]) == (0, 0.5, None)


def promoted(rows: int, gain: float, loss: float, alpha: float) -> float:
    """Return the exact chance that p is at most alpha, where each row is gained or lost with a probability."""
    return sum(
        binom.pmf(uneven, rows, gain + loss) * binom.pmf(gained, uneven, gain / (gain + loss))
        for uneven in range(rows + 1)
        for gained in range(uneven + 1)
        if mcnemar(gained, uneven - gained) <= alpha
    )


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("rows", [20, 50, 100])
def test_a_challenger_that_is_as_good_is_promoted_no_more_often_than_alpha(rows: int, alpha: float) -> None:
    assert promoted(rows, 0.05, 0.05, alpha) <= alpha
    assert promoted(rows, 0.10, 0.04, alpha) > 2 * promoted(rows, 0.05, 0.05, alpha)


def mean(sums: Floats) -> Floats:
    result: Floats = sums[..., 0] / sums[..., 1]
    return result


def by_sums(champion: Floats, challenger: Floats, metric: str = "accuracy") -> Comparison:
    ones = np.ones(len(champion))
    first, second = (np.stack([values.astype(float), ones], axis=1) for values in (champion, challenger))
    won = np.sign(challenger.astype(float) - champion) * (-1 if metric == "mae" else 1)
    return compare_sums(metric, first, second, mean, won.astype(np.int64), resamples=50)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (3, 0), (9, 2), (20, 25), (60, 40)])
def test_swapping_answers_at_random_says_of_accuracy_what_mcnemar_says(gained: int, lost: int) -> None:
    champion, challenger = np.ones(200, dtype=bool), np.ones(200, dtype=bool)
    champion[:gained] = False
    challenger[gained : gained + lost] = False
    found = by_sums(champion, challenger)
    assert found.p == pytest.approx(mcnemar(gained, lost), abs=0.02)
    assert (found.gained, found.lost) == (gained, lost)
    assert found.worse == pytest.approx((lost - gained) / 200)


def test_errors_are_better_where_they_are_smaller_and_worse_by_their_share() -> None:
    errors = np.random.default_rng(1).exponential(10, 80)
    better, worse = by_sums(errors, errors * 0.9, "mae"), by_sums(errors * 0.9, errors, "mae")
    assert better.p < 0.01 < 0.99 < worse.p
    assert better.worse == pytest.approx(-0.1)
    assert (better.gained, worse.lost) == (80, 80)
    assert by_sums(errors, errors, "mae").p == pytest.approx(0.5)


def test_models_that_are_equally_good_differ_as_often_as_promised() -> None:
    source = np.random.default_rng(2)
    found = [by_sums(*source.exponential(1, (2, 30)), "mae").p <= 0.05 for _ in range(100)]
    assert sum(found) <= 12  # 5 expected; more than 12 has a chance below 0.2 %


def test_sets_are_compared_by_their_labels() -> None:
    def said(*labels: str) -> Prediction:
        return Prediction("", 0.5, Ranking((), np.empty(0, np.float32)), labels=labels)

    corpus = corpus_of(["a", "b", "c"], [("x", "y"), ("x",), ()])
    found = compare_sets([said("x"), said("y"), said()], [said("x", "y"), said("x", "y"), said()], corpus)
    assert (found.metric, found.champion, found.challenger) == ("micro_f1", pytest.approx(0.4), pytest.approx(6 / 7))
    assert (found.n, found.gained, found.lost) == (3, 1, 0)
    assert compare_sets([], [], corpus_of([], [])).to_json()["champion"] is None


def test_texts_are_compared_by_their_nearness_to_the_known_ones() -> None:
    def wrote(*texts: str) -> list[Prediction]:
        return [Prediction.of_text(text, 0.5) for text in texts]

    corpus = corpus_of([str(i) for i in range(12)], ["利率 下调"] * 12)
    found = COMPARISONS["generate"](wrote(*["利率 上升"] * 12), wrote(*["利率下调"] * 8, *["利率 上升"] * 4), corpus)
    assert (found.metric, found.n, found.gained, found.lost) == ("rouge_l", 12, 8, 0)
    assert (found.champion, found.challenger) == (pytest.approx(0.5), pytest.approx(0.5 + 0.5 * 8 / 12))
    assert found.p < 0.01
    assert COMPARISONS["generate"]([], [], corpus_of([], [])).n == 0


def test_lists_are_compared_query_by_query() -> None:
    texts = [f"q{i}" for i in range(12) for _ in range(3)]
    corpus = Corpus([str(i) for i in range(36)], texts, ["c"] * 36, [0, 0, 1] * 10 + [0, 0, 0] * 2)

    def answers(right: int) -> list[Prediction]:
        """Order the candidates of so many queries rightly."""
        scores = [[0.1, 0.2, 0.9] if i < right else [0.9, 0.2, 0.1] for i in range(12)]
        return [Prediction("relevant", 0.9, Ranking((), np.empty(0)), relevance=s) for own in scores for s in own]

    found = COMPARISONS["rank"](answers(2), answers(9), corpus)
    assert (found.n, found.unit, found.metric, found.gained, found.lost) == (10, "queries", "ndcg@10", 7, 0)
    assert found.challenger == pytest.approx(0.9 + 0.1 * 0.5)
    assert found.p < 0.01
    assert COMPARISONS["rank"]([], [], Corpus([], [], [], [])).n == 0
