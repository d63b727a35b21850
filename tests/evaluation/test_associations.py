import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

from feilun.evaluation.associations import newcombe, with_groups, with_numbers


def sparse(*columns):
    return csr_matrix(np.stack(columns, axis=1).astype(np.float64))


def test_the_interval_of_two_shares_is_the_published_one():
    """Newcombe (1998), table II, (a): 56/70 less 48/80."""
    low, high = newcombe(56, 70, 48, 80, 0.95)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_a_mark_that_goes_with_a_group_is_found_and_one_that_does_not_is_not():
    draw = np.random.default_rng(1)
    group = draw.random(2000) < 0.3
    tied, free = draw.random(2000) < np.where(group, 0.4, 0.2), draw.random(2000) < 0.3
    found, tested = with_groups(sparse(tied, free), ["a" if one else "b" for one in group], ["a"])
    assert tested == 2
    assert [link.mark for link in found] == [0]
    assert found[0].effect == pytest.approx(tied[group].mean() - tied[~group].mean())
    assert found[0].low < 0.2 < found[0].high
    assert found[0].low > 0


def test_of_marks_that_go_with_nothing_few_are_reported():
    draw = np.random.default_rng(2)
    held = csr_matrix((draw.random((600, 500)) < 0.1).astype(np.float64))
    by_chance = 0
    for _ in range(20):
        values = draw.permutation(["a"] * 300 + ["b"] * 300).tolist()
        by_chance += bool(with_groups(held, values, ["a", "b"])[0])
        by_chance += bool(with_numbers(held, draw.lognormal(size=600).tolist())[0])
    assert by_chance <= 6  # five in a hundred, with room for the draw


def test_numbers_are_compared_as_mann_and_whitney_do():
    draw = np.random.default_rng(3)
    mark = draw.random(300) < 0.2
    numbers = draw.integers(0, 5, 300) + np.where(mark, 1.0, 0.0)
    (link,), _ = with_numbers(sparse(mark), [*numbers])
    reference = stats.mannwhitneyu(numbers[mark], numbers[~mark], use_continuity=False, method="asymptotic")
    assert link.p_value == pytest.approx(reference.pvalue)
    assert link.effect == pytest.approx(reference.statistic / mark.sum() / (~mark).sum() - 0.5)
    assert (link.inside, link.outside) == pytest.approx((numbers[mark].mean(), numbers[~mark].mean()))


def test_one_huge_number_makes_no_association():
    numbers = [0.0] * 400
    numbers[0] = 1e9
    mark = np.arange(400) < 20
    assert with_numbers(sparse(mark), numbers)[0] == []


def test_rows_without_a_value_are_left_out():
    mark = np.array([True] * 40 + [False] * 40 + [True] * 20)
    numbers = [1.0] * 20 + [0.0] * 20 + [0.0] * 40 + [None] * 20
    (link,), _ = with_numbers(sparse(mark), numbers)
    assert (link.rows, link.inside, link.outside) == (40, 0.5, 0.0)
