"""A student's file answers as the model that was trained, whatever stands beside a text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.bundles.runtime import Runtime
from feilun.compression.augmentation import augmented_rows
from feilun.compression.export import export_onnx
from feilun.compression.graphs.static import pair_rows, static_graph
from feilun.compression.settings import CompressionSettings, StudentSettings
from feilun.compression.static_model import StaticModel, bags
from feilun.compression.student import distil, first_vectors
from feilun.core import settings as core_settings
from feilun.core.corpus import corpus_of
from feilun.text.clean import Cleaning
from feilun.text.tokens import pad
from tiny import LABELS, WORDS, reviews, tiny_model

ROWS = [[2, 5, 6, 7, 3], [2, 3], [4], [2, 9, 9, 9, 9, 9, 3], []]


def moved(pairs: int) -> StaticModel:
    random = np.random.default_rng(0)
    model = StaticModel(random.normal(size=(20, 16)).astype(np.float32), pairs, 3, 0.0).eval()
    with torch.no_grad():
        model.pair_vectors.weight.copy_(torch.from_numpy(random.normal(size=model.pair_vectors.weight.shape)))
    return model


@pytest.mark.parametrize("pairs", [0, 7, 1024])
def test_the_file_is_the_trained_model(pairs: int, tmp_path: Path) -> None:
    model = moved(pairs)
    onnx.save(static_graph(model.weights()), tmp_path / "s.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "s.onnx", providers=["CPUExecutionProvider"])
    with torch.no_grad():
        wanted = model(bags(ROWS, pairs)).numpy()
    ids, mask = pad(ROWS, 0)
    together, _ = session.run(["logits", "pooled"], {"input_ids": ids, "attention_mask": mask})
    np.testing.assert_allclose(together, wanted, atol=1e-5)
    for row, expected in zip(ROWS[:4], wanted, strict=False):
        ids, mask = pad([row], 0)
        alone, _ = session.run(["logits", "pooled"], {"input_ids": ids, "attention_mask": mask})
        np.testing.assert_allclose(alone[0], expected, atol=1e-5)


@given(st.lists(st.lists(st.integers(0, 19), max_size=6), max_size=6))
@settings(max_examples=50)
def test_pairs_never_reach_from_one_row_into_the_next(rows: list[list[int]]) -> None:
    bag = bags(rows, 1000)
    wanted = [pair_rows(np.array(a), np.array(b), 1000) for row in rows for a, b in pairwise(row)]
    assert bag.pairs.tolist() == [int(one) for one in wanted]
    assert bag.tokens.tolist() == [token for row in rows for token in row]
    assert bag.lengths.tolist() == [len(row) for row in rows]


@given(st.lists(st.lists(st.integers(4, 19), min_size=1, max_size=8), min_size=1, max_size=5), st.integers(0, 30))
@settings(max_examples=50)
def test_made_rows_hold_only_what_was_there_between_the_same_ends(inner: list[list[int]], count: int) -> None:
    rows = [[2, 18, *row, 3] for row in inner]
    made = augmented_rows(rows, [2, 18, 3], count, np.random.default_rng(1))
    assert len(made) == count
    known = {token for row in inner for token in row}
    longest = max(map(len, rows))
    for row in made:
        assert row[:2] == [2, 18]
        assert row[-1] == 3
        assert set(row[2:-1]) <= known
        assert len(row) <= longest


def teacher(folder: Path) -> Runtime:
    model = tiny_model().eval()
    with torch.no_grad():  # a teacher that knows the labels: its head reads the words that tell them
        states = model.pooled_states(model.encoder.encode(["good", "bad", "loan card bank"]))
        directions = states - states.mean(0)
        model.head.linear.weight.copy_(50 * directions[[1, 0, 2]])
    export_onnx(model, folder / "teacher.onnx")
    return Runtime(folder / "teacher.onnx", model.encoder, LABELS, cleaning=Cleaning(), pad_id=0, threads=1)


def test_a_student_learns_its_teachers_answers_not_the_labels(tmp_path: Path) -> None:
    big = teacher(tmp_path)
    train, unseen = reviews(300, 1), reviews(200, 9)
    settings = StudentSettings(width=32, pairs=256, texts=300, epochs=40)
    small = distil(big, train, ["help fast bank"], settings, tmp_path / "student.onnx", int8=True)
    distil(big, train, ["help fast bank"], settings, tmp_path / "again.onnx", int8=True)
    assert (tmp_path / "student.onnx").read_bytes() == (tmp_path / "again.onnx").read_bytes()
    agrees = (small.logits(unseen).argmax(1) == big.logits(unseen).argmax(1)).mean()
    common = np.bincount(big.logits(unseen).argmax(1)).max() / len(unseen)
    assert agrees > max(0.8, common)
    assert small.embed(corpus_of(["good"])).shape == (1, 32)


def test_first_vectors_keep_the_shape_of_what_the_encoder_says(tmp_path: Path) -> None:
    big = teacher(tmp_path)
    (empty,) = big.encode(corpus_of([""]))
    vectors = first_vectors(big, empty, 48)  # wider than the teacher's 32
    assert vectors.shape == (4 + len(WORDS), 48)
    assert not vectors[:, 32:].any()
    states = big.embed_rows([[2, token, 3] for token in range(20)])
    distances = [np.linalg.norm(a[:, None] - a[None], axis=2).ravel() for a in (states, vectors)]
    assert np.corrcoef(*distances)[0, 1] > 0.999


def test_settings_that_cannot_be_are_named() -> None:
    _, faults = core_settings.read(
        CompressionSettings, {"form": "cascde", "max_drop": 0, "student": {"width": 20}}, "compression"
    )
    said = " ".join(fault.message for fault in faults)
    assert "compression.form" in said
    assert "compression.max_drop must be above 0" in said
    assert "multiple of 16" in said
