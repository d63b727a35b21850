"""Drift: no more false alarms than promised, real shifts found, and equal verdicts for equal windows."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from feilun.core.corpus import corpus_of
from feilun.core.errors import BundleError, UsageError
from feilun.monitoring.answer_signals import watched
from feilun.monitoring.drift import FEWEST_ROWS, drift, holm
from feilun.monitoring.permutation import Floats, compare_categories, compare_ordered, compare_sets, compare_states
from feilun.monitoring.reference import DIMENSIONS, KEY, evenly, make_reference, read_reference
from feilun.monitoring.sample import Sample, sample_of
from feilun.monitoring.signals import Numbers, Sets, numbers_of, read_values

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data"


def made(rows: int, seed: int, share: float = 0.3, spread: float = 1.0, words: int = 12) -> Sample:
    """Draw figures from a distribution: `share` of the label good, states `spread` wide."""
    source = np.random.default_rng(seed)
    good = source.random(rows) < share
    texts = ["好" * n for n in source.poisson(words, rows)]
    states = source.normal(size=(rows, 48)).astype(np.float32) * spread
    scores = source.beta(6, 2, rows)
    return figures(texts, np.where(good, "good", "bad").tolist(), scores, source.random(rows) * 0.1, states)


def figures(texts: list[str], labels: Sequence[str], scores: Floats, unknown: Floats, states: NDArray) -> Sample:  # type: ignore[type-arg]
    answers = [{"label": label, "score": score} for label, score in zip(labels, scores.tolist(), strict=True)]
    return sample_of(corpus_of(texts), watched(corpus_of(texts), answers).signals, unknown, states)


def values(sample: Sample, name: str) -> Any:
    found: Any = sample.signals[name]
    return found.values


def compared(reference_seed: int, window: Sample, alpha: float = 0.05, permutations: int = 199):  # type: ignore[no-untyped-def]
    known = made(300, reference_seed)
    reference = make_reference(known, np.ones(300, dtype=bool))
    assert window.states is not None
    reduced = replace(window, states=reference.reduce(window.states))
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
    assert window.states is not None
    scores, unknown = values(window, "scores") * 0.7, values(window, "unknown") + 0.05
    changed = figures(["ab" * 6] * 200, values(window, "labels"), scores, unknown, window.states)
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
    assert list(again.sample.signals) == list(sample.signals)
    assert again.states.shape == (75, DIMENSIONS)
    for name in ("correct", "states", "mean", "components"):
        np.testing.assert_array_equal(getattr(again, name), getattr(reference, name))
    for name in sample.signals:
        np.testing.assert_array_equal(values(again.sample, name), values(sample, name))
    assert "好" not in json.dumps(table, ensure_ascii=False)
    assert read_reference({"labels": {}}) is None
    for broken in ({}, {**table[KEY], "rows": 99}, {**table[KEY], "states": {"shape": [1], "float16": "!"}}, None):
        with pytest.raises(BundleError, match="no readable 'reference'"):
            read_reference({KEY: broken})


def test_bundles_from_when_one_label_was_all_that_was_watched_are_read() -> None:
    table = json.loads(json.dumps(make_reference(made(60, 1), np.ones(60, dtype=bool)).to_json()))
    signals = table.pop("signals")
    old = {name: signals[name]["values"] for name in ("labels", "scores", "characters", "unknown")}
    old |= {"label_names": signals["labels"]["names"], "scripts": ["Han"] * 60}
    again = read_reference({KEY: {**table, **old, "unknown": []}})
    assert again is not None
    assert set(again.sample.signals) == {"labels", "scores", "characters", "scripts"}
    assert values(again.sample, "labels") == values(made(60, 1), "labels")


def sets(rows: int, seed: int, share: float) -> Sets:
    """Draw sets of labels of which two always come together."""
    source = np.random.default_rng(seed)
    drawn = source.random((rows, 2)) < (share, 0.2)
    return Sets(tuple((("a", "b") if one else ()) + (("c",) if other else ()) for one, other in drawn.tolist()))


def test_labels_of_sets_are_compared_by_row() -> None:
    generator = np.random.default_rng(0)
    found = [compare_sets(sets(80, i, 0.3).values, sets(80, 1000 + i, 0.3).values, 99, generator) for i in range(100)]
    assert sum(outcome.p_value <= 0.05 for outcome in found) <= 12  # 5 expected
    before, after = sets(200, 1, 0.3), sets(200, 2, 0.6)
    outcome = before.compare(after, 199, generator)
    assert outcome is not None
    assert outcome.p_value == pytest.approx(1 / 200)
    assert before.change(after, "labels").startswith("a ")
    assert Sets((("a",),) * 9).compare(Sets((("a",),) * 5), 99, generator) is None


def test_numbers_of_which_some_are_not_known_are_compared_and_survive_json() -> None:
    generator = np.random.default_rng(0)
    known = numbers_of([float(i % 7) for i in range(200)])
    partly = numbers_of([None if i % 3 == 0 else float(i % 7) for i in range(200)])
    outcome = known.compare(partly, 199, generator)
    assert outcome is not None
    assert outcome.p_value == pytest.approx(1 / 200)
    assert "33.5% not known" in known.change(partly, "amount")
    again = read_values(json.loads(json.dumps(partly.to_json())))
    assert isinstance(again, Numbers)
    np.testing.assert_array_equal(again.values, partly.values)


def test_more_signals_take_more_permutations() -> None:
    source = np.random.default_rng(0)

    def wide(moved: float) -> Sample:
        signals = {f"column {i}": Numbers(source.normal(moved if i == 7 else 0, 1, 200)) for i in range(40)}
        return Sample(200, signals)

    found = drift(make_reference(wide(0), np.ones(200, dtype=bool)), wide(1.0))
    assert [signal.name for signal in found.signals if signal.drifted] == ["column 7"]


@settings(max_examples=50)
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
