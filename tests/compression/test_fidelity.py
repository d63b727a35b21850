from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import numpy_helper

from feilun.bundles.runtime import Runtime
from feilun.compression.export import export_onnx
from feilun.compression.fidelity import (
    Fidelity,
    exact_mcnemar,
    judge_fidelity,
    lengths_to_make,
    loss_by_chance,
    texts_of_all_lengths,
)
from feilun.compression.quantize import quantize_int8
from feilun.core.corpus import corpus_of
from feilun.evaluation.quality import QUALITIES, label_counts
from feilun.models.text_model import TextModel
from feilun.text.clean import Cleaning
from tiny import LABELS, reviews, tiny_model


@pytest.fixture
def model() -> TextModel:
    return tiny_model()


def runtime(path: Path, model: TextModel) -> Runtime:
    return Runtime(path, model.encoder, LABELS, cleaning=Cleaning(), pad_id=0, threads=1)


def judged(model: TextModel, folder: Path, damage: float) -> Fidelity:
    """Compare int8 with float32 after adding `damage` times its own spread to every scale of the int8 weights."""
    export_onnx(model, folder / "plain.onnx")
    quantize_int8(folder / "plain.onnx", folder / "int8.onnx")
    graph = onnx.load(folder / "int8.onnx")
    random = np.random.default_rng(0)
    for tensor in graph.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8 and damage > 0:
            weights = numpy_helper.to_array(tensor).astype(np.float32)
            noisy = weights + damage * weights.std() * random.standard_normal(weights.shape)
            tensor.CopyFrom(numpy_helper.from_array(noisy.clip(-60, 60).astype(np.int8), tensor.name))
    onnx.save(graph, folder / "int8.onnx")
    texts = texts_of_all_lengths(reviews(300).text, model.encoder, 400, seed=1)
    labelled = reviews(200, seed=5)
    plain = runtime(folder / "plain.onnx", model)
    sure = [prediction.label for prediction in plain.predict(labelled)]
    labelled = corpus_of(labelled.text, sure)
    return judge_fidelity(plain, runtime(folder / "int8.onnx", model), texts, labelled)


def test_int8_as_it_is_made_passes(model: TextModel, tmp_path: Path) -> None:
    fidelity = judged(model, tmp_path, damage=0)
    assert fidelity.objections(0.02) == []
    assert fidelity.texts == 600
    assert fidelity.shortest <= 3
    assert fidelity.longest == 16
    assert fidelity.changed_between == 0
    assert 0 < fidelity.mean_difference < fidelity.largest_difference < 0.1


def test_damaged_int8_is_refused(model: TextModel, tmp_path: Path) -> None:
    fidelity = judged(model, tmp_path, damage=4.0)
    assert max(fidelity.changed.values()) > 0.02
    objections = " ".join(fidelity.objections(0.02))
    assert "predictions changed" in objections
    assert "labelled rows" in objections
    assert "macro-F1" in objections


def test_scores_that_are_not_finite_are_refused() -> None:
    broken = Fidelity(1, 1, 1, {1: math.nan}, 0, math.nan, math.nan, 0, 0, 1, (1, 1), 1)
    assert len(broken.objections(0.02)) == 2


def test_texts_cover_every_length_and_are_as_many_as_wanted(model: TextModel) -> None:
    for at_hand in (["good"], reviews(40).text, reviews(3000).text):
        texts = texts_of_all_lengths(at_hand, model.encoder, 500, seed=2)
        assert len(texts) == 500
        assert texts == texts_of_all_lengths(at_hand, model.encoder, 500, seed=2)
        lengths = {len(row) for row in model.encoder.encode(texts)}
        assert lengths >= set(range(3, 17))


def test_texts_at_hand_are_preferred_to_made_ones(model: TextModel) -> None:
    at_hand = list(dict.fromkeys(reviews(3000).text))
    texts = texts_of_all_lengths(at_hand, model.encoder, 500, seed=2)
    assert sum(text in set(at_hand) for text in texts) >= 484


@given(st.integers(1, 4096))
def test_lengths_to_make_reach_from_one_to_the_longest(longest: int) -> None:
    lengths = lengths_to_make(longest)
    assert lengths[0] == 1
    assert lengths[-1] == longest
    assert sum(lengths) < 18_000


@pytest.mark.parametrize(("worse", "better", "chance"), [(0, 0, 1.0), (3, 0, 0.125), (1, 1, 0.75), (5, 0, 1 / 32)])
def test_mcnemar_against_hand_counts(worse: int, better: int, chance: float) -> None:
    assert exact_mcnemar(worse, better) == pytest.approx(chance)


def test_mcnemar_bears_many_rows() -> None:
    assert exact_mcnemar(6000, 5000) < 1e-9
    assert exact_mcnemar(5000, 5000) == pytest.approx(0.5, abs=0.01)


def macro_f1_loss(targets: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64]) -> tuple:
    first, second = (label_counts(targets, answers, 2) for answers in (before, after))
    return loss_by_chance(first, second, QUALITIES["classify"].figure, seed=0)


def test_randomisation_agrees_with_mcnemar_where_macro_f1_is_as_good_as_accuracy() -> None:
    targets = np.tile([0, 1], 500)
    before, after = targets.copy(), targets.copy()
    after[:6] = 1 - after[:6]
    before[10:12] = 1 - before[10:12]
    figures, chance = macro_f1_loss(targets, before, after)
    assert figures[0] > figures[1]
    assert chance == pytest.approx(exact_mcnemar(6, 2), abs=0.03)


def test_losing_a_rare_class_is_significant_where_accuracy_hardly_moves() -> None:
    targets = np.r_[np.zeros(2000, np.int64), np.ones(8, np.int64)]
    before, after = targets.copy(), np.zeros(2008, np.int64)
    _, chance = macro_f1_loss(targets, before, after)
    assert chance < 0.05
    assert macro_f1_loss(targets, before, before)[1] == 1.0


def test_pairs_are_compared_as_pairs(model: TextModel, tmp_path: Path) -> None:
    export_onnx(model, tmp_path / "plain.onnx")
    plain = runtime(tmp_path / "plain.onnx", model)
    labelled = replace(reviews(20), pair=["bank card"] * 20)
    fidelity = judge_fidelity(plain, plain, ["good", "loan rate"], labelled)
    assert fidelity.texts == 22
    assert fidelity.largest_difference < 1e-5
    assert fidelity.shortest == 6  # [CLS] good [SEP] bank card [SEP]
    assert fidelity.objections(0.0) == []
