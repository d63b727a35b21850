"""Drift: no more false alarms than promised, real shifts found, and equal verdicts for equal windows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.core.errors import BundleError, UsageError
from feilun.monitoring.drift import FEWEST_ROWS, drift, holm
from feilun.monitoring.permutation import compare_categories, compare_ordered, compare_states
from feilun.monitoring.reference import DIMENSIONS, KEY, evenly, make_reference, read_reference
from feilun.monitoring.sample import Sample, sample_of

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data"


def made(rows: int, seed: int, share: float = 0.3, spread: float = 1.0, words: int = 12) -> Sample:
    """Draw figures from a distribution: `share` of the label good, states `spread` wide."""
    source = np.random.default_rng(seed)
    good = source.random(rows) < share
    texts = ["好" * n for n in source.poisson(words, rows)]
    states = source.normal(size=(rows, 48)).astype(np.float32) * spread
    scores = source.beta(6, 2, rows)
    return sample_of(texts, np.where(good, "good", "bad").tolist(), scores.tolist(), source.random(rows) * 0.1, states)


def compared(reference_seed: int, window: Sample, alpha: float = 0.05, permutations: int = 199):  # type: ignore[no-untyped-def]
    known = made(300, reference_seed)
    reference = make_reference(known, np.ones(300, dtype=bool))
    assert window.states is not None
    reduced = Sample(
        window.labels, window.scores, window.characters, window.scripts, window.unknown, reference.reduce(window.states)
    )
    return drift(reference, reduced, alpha=alpha, permutations=permutations, seed=reference_seed)


def test_false_alarms_stay_at_alpha() -> None:
    alarms = sum(compared(seed, made(100, 10_000 + seed)).drifted for seed in range(150))
    assert alarms <= 15  # 7.5 expected at most; more than 15 has a chance below 0.6 %


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("labels", {"share": 0.6}),
        ("characters", {"words": 18}),
        ("states", {"spread": 1.5}),
    ],
)
def test_each_signal_sees_its_own_shift(name: str, change: dict[str, float]) -> None:
    found = compared(1, made(200, 2, **change))  # type: ignore[arg-type]
    assert [signal.name for signal in found.signals if signal.drifted] == [name]
    assert found.drifted


def test_scores_scripts_and_unknown_tokens_see_theirs() -> None:
    window = made(200, 2)
    changed = sample_of(
        ["ab" * 6] * 200, window.labels, (window.scores * 0.7).tolist(), window.unknown + 0.05, window.states
    )
    drifted = {signal.name for signal in compared(1, changed).signals if signal.drifted}
    assert {"scores", "scripts", "unknown"} <= drifted


def test_what_changed_is_named() -> None:
    found = compared(1, made(200, 2, share=0.9))
    (labels,) = [signal for signal in found.signals if signal.name == "labels"]
    before, after = (float(share.rstrip("%")) for share in labels.change.removeprefix("bad ").split(" → "))
    assert before > 60 > 20 > after


def test_the_same_window_gets_the_same_verdict_in_any_order() -> None:
    window = made(120, 5)
    shuffled = window.select(np.random.default_rng(0).permutation(120))
    first, again, other = (compared(3, one) for one in (window, window, shuffled))
    assert first == again
    statistics = [{s.name: round(s.statistic, 5) for s in found.signals} for found in (first, other)]
    assert statistics[0] == statistics[1]


def test_windows_too_small_and_alphas_too_small_are_refused() -> None:
    with pytest.raises(UsageError, match=f"Wait for {FEWEST_ROWS}"):
        compared(1, made(FEWEST_ROWS - 1, 2))
    with pytest.raises(UsageError, match="Take at least"):
        compared(1, made(100, 2), alpha=0.001)


def test_a_reference_survives_json_and_keeps_no_text() -> None:
    sample = made(150, 4)
    reference = make_reference(sample, np.arange(150) % 3 > 0)
    table = json.loads(json.dumps({KEY: reference.to_json()}))
    again = read_reference(table)
    assert again is not None
    assert again.sample.labels == sample.labels
    assert again.states.shape == (75, DIMENSIONS)
    for name in ("correct", "states", "mean", "components"):
        np.testing.assert_array_equal(getattr(again, name), getattr(reference, name))
    np.testing.assert_array_equal(again.sample.scores, sample.scores)
    assert "好" not in json.dumps(table, ensure_ascii=False)
    assert read_reference({"labels": {}}) is None
    for broken in ({}, {**table[KEY], "labels": [99]}, {**table[KEY], "states": {"shape": [1], "float16": "!"}}, None):
        with pytest.raises(BundleError, match="no readable 'reference'"):
            read_reference({KEY: broken})


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_raw_and_bonferroni(values: list[float]) -> None:
    corrected = holm(values)
    for raw, kept in zip(values, corrected, strict=True):
        assert raw <= kept <= min(1, raw * len(values)) + 1e-12
    assert [corrected[i] for i in np.argsort(values, kind="stable")] == sorted(corrected)


def test_p_values_of_equal_samples_are_one_and_of_disjoint_ones_the_smallest() -> None:
    generator = np.random.default_rng(0)
    ones, twos = np.ones(60), np.full(60, 2.0)
    for compare in (compare_categories, compare_ordered):
        assert compare(ones, ones, 99, generator).p_value == 1
        assert compare(ones, twos, 99, generator).p_value == pytest.approx(0.01)
    states = generator.normal(size=(60, 4)).astype(np.float32)
    assert compare_states(states, states + 9, 99, generator).p_value == pytest.approx(0.01)
    assert compare_states(states, states, 99, generator).p_value > 0.5


@given(st.integers(1, 3000), st.integers(1, 500))
def test_rows_are_taken_evenly(rows: int, count: int) -> None:
    taken = evenly(rows, count)
    assert len(taken) == min(rows, count)
    assert (taken[0] >= 0, taken[-1] < rows, (np.diff(taken) > 0).all()) == (True, True, True)


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "waimai_10k").is_dir(), reason="needs the public data sets")
def test_replays_on_real_reviews(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of benchmarks/drift.py: 100 windows without a shift, 20 with 20 points more of one class."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    import drift as benchmark

    pool = benchmark.make_pool(DATA, "waimai_10k", "chnsenticorp_hotel")
    found = benchmark.rates(pool, 100, (0.05,))
    assert found["no shift"][0] <= 0.12  # 0.05 expected; more than 12 of 100 has a chance below 0.2 %
    assert found["one class +20 points"][0] >= 0.8
