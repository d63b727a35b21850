from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from feilun.bundles.runtime import Runtime
from feilun.compression.export import export_onnx
from feilun.compression.gptq import Readings, read, read_by_products, rounded_columns
from feilun.compression.quantize import quantize_int8, quantized_columns
from feilun.core.corpus import corpus_of
from feilun.text.clean import Cleaning
from tiny_architectures import tiny_text_model

FLOATS = st.floats(-100, 100, width=32)
MATRICES = arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 5)), elements=FLOATS)
TEXTS = ["很好吃，下次还来", "慢 得 要命", "good food and fast", "cold, late, never again", "一般般吧"] * 12


def readings_of(states: np.ndarray) -> np.ndarray:
    return Readings({"states": (states.T @ states).astype(np.float32)}).factor("states")


@given(MATRICES, st.integers(0, 9))
@settings(max_examples=200)
def test_neighbours_never_overflow_16_bits(weights: np.ndarray, seed: int) -> None:
    states = np.random.default_rng(seed).normal(size=(30, len(weights)))
    numbers = rounded_columns(weights, quantized_columns(weights)[1], readings_of(states)).astype(np.int64)
    even = np.concatenate([numbers, np.zeros((len(numbers) % 2, numbers.shape[1]), np.int64)])
    assert np.abs(numbers).max() <= 127
    assert np.abs(even[0::2] + even[1::2]).max() <= 127


@pytest.mark.parametrize("inner", [40, 65, 200])  # fewer than a block of rows, one more, several
def test_products_are_nearer_than_with_each_weight_rounded_alone(inner: int) -> None:
    random = np.random.default_rng(inner)
    states = random.normal(size=(600, 8)) @ random.normal(size=(8, inner)) + 0.1 * random.normal(size=(600, inner))
    weights = random.normal(size=(inner, 6)).astype(np.float32)
    nearest, scales = quantized_columns(weights)
    made = rounded_columns(weights, scales, readings_of(states))
    truth = states @ weights
    assert np.abs(states @ (made * scales) - truth).mean() < 0.9 * np.abs(states @ (nearest * scales) - truth).mean()


def test_what_was_never_read_is_rounded_to_its_nearest() -> None:
    weights = np.random.default_rng(1).normal(size=(12, 4)).astype(np.float32)
    nearest, scales = quantized_columns(weights)
    assert (rounded_columns(weights, scales, readings_of(np.zeros((5, 12)))) == nearest).all()


def test_a_model_answers_nearer_to_itself_and_its_copy_is_gone(tmp_path: Path) -> None:
    model = tiny_text_model("bert")
    export_onnx(model, tmp_path / "plain.onnx")
    runtime = Runtime(tmp_path / "plain.onnx", model.encoder, model.labels, cleaning=Cleaning())
    corpus = corpus_of(TEXTS)
    readings = read(runtime, corpus, tmp_path)
    assert set(readings.moments) == set(read_by_products(onnx.load(tmp_path / "plain.onnx")))
    assert [path.name for path in tmp_path.iterdir()] == ["plain.onnx"]
    truth = runtime.logits(corpus)
    differences = []
    for given_readings in (None, readings):
        quantize_int8(tmp_path / "plain.onnx", tmp_path / "int8.onnx", given_readings)
        differences.append(np.abs(runtime.like(tmp_path / "int8.onnx").logits(corpus) - truth).mean())
        (tmp_path / "int8.onnx").unlink()
    assert differences[1] < differences[0]


def test_the_same_texts_give_the_same_integers(tmp_path: Path) -> None:
    model = tiny_text_model("bert")
    export_onnx(model, tmp_path / "plain.onnx")
    runtime = Runtime(tmp_path / "plain.onnx", model.encoder, model.labels, cleaning=Cleaning())
    for name in ("one", "other"):
        quantize_int8(tmp_path / "plain.onnx", tmp_path / name, read(runtime, corpus_of(TEXTS), tmp_path))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
