"""The runtime gives every text the answer it gets alone: whatever stands beside it, in whatever order."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.bundles import runtime as module
from feilun.bundles.bundle import open_bundle
from feilun.bundles.runtime import Runtime
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import BundleError
from feilun.core.labels import LabelSet
from feilun.text.clean import Cleaning
from feilun.text.tokens import TokenEncoder
from tiny_bundle import HIDDEN, LABELS, MAX_TOKENS, WORDS, made_bundle, made_model, made_tokenizer


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    return open_bundle(made_bundle(tmp_path_factory.mktemp("r") / "b"), threads=2).predictor


def texts(count: int, seed: int = 0) -> list[str]:
    source = np.random.default_rng(seed)
    return [" ".join(source.choice(WORDS, size=source.integers(0, 15))) for _ in range(count)]


def test_one_core_or_two_batched_or_alone_gives_the_same(runtime: Runtime, tmp_path: Path) -> None:
    many = texts(500)
    alone = np.concatenate([runtime.logits(corpus_of([text])) for text in many])
    one_core = open_bundle(made_bundle(tmp_path / "b"), threads=1).predictor
    assert runtime.logits(corpus_of(many)).shape == (500, len(LABELS))
    np.testing.assert_allclose(runtime.logits(corpus_of(many)), alone, atol=1e-5)
    np.testing.assert_allclose(one_core.logits(corpus_of(many)), alone, atol=1e-5)
    shuffled = np.random.default_rng(1).permutation(500)
    np.testing.assert_allclose(runtime.logits(corpus_of(many).select(shuffled.tolist())), alone[shuffled], atol=1e-5)


def test_pooled_state_gives_the_logits(runtime: Runtime) -> None:
    states = runtime.embed(corpus_of(texts(7)))
    assert states.shape == (7, HIDDEN)
    assert np.isfinite(states).all()


def test_no_row_at_all(runtime: Runtime) -> None:
    assert runtime.predict(corpus_of([])) == []
    assert list(runtime.stream([])) == []


@settings(max_examples=60)
@given(st.lists(st.text(alphabet=st.characters(codec=None)), max_size=5))
def test_any_text_gets_a_prediction(runtime: Runtime, many: list[str]) -> None:
    predictions = runtime.predict(corpus_of(many))
    assert len(predictions) == len(many)
    assert all(0 <= p.score <= 1 and p.label in LABELS for p in predictions)


def test_tokens_are_those_of_training(runtime: Runtime) -> None:
    raw = ["<b>good</b> bank", "\u200bcard", "loan " * 50, ""]
    cleaned = [Cleaning().apply(text) for text in raw]
    assert runtime.encode(corpus_of(raw)) == TokenEncoder(made_tokenizer(), MAX_TOKENS).encode(cleaned)
    assert max(map(len, runtime.encode(corpus_of(raw)))) == MAX_TOKENS


def test_pairs_are_read_and_cleaned(runtime: Runtime) -> None:
    corpus = Corpus(id=["0"], text=["good"], pair=["<i>bank</i>"])
    assert runtime.encode(corpus) == [made_tokenizer().encode("good", "bank").ids]


def test_stream_keeps_order_and_holds_little(runtime: Runtime) -> None:
    many = texts(300)
    taken = 0

    def source() -> Iterator[str]:
        nonlocal taken
        for text in many:
            taken += 1
            yield text

    answers = runtime.stream(source(), chunk=40)
    first = next(answers)
    assert taken <= 40
    streamed = [first]
    for prediction in answers:
        streamed.append(prediction)
        assert taken - len(streamed) < 40
    expected = runtime.predict(corpus_of(many))
    assert [p.label for p in streamed] == [p.label for p in expected]
    np.testing.assert_allclose([p.score for p in streamed], [p.score for p in expected], atol=1e-5)


def test_batches_hold_no_more_than_their_tokens(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    def watched(rows: list[list[int]], pad_id: int) -> tuple[np.ndarray, np.ndarray]:
        ids, mask = pad(rows, pad_id)
        shapes.append((ids.shape, int(mask.sum())))
        return ids, mask

    pad = module.pad
    monkeypatch.setattr(module, "pad", watched)
    runtime.predict(corpus_of(texts(2000)))
    assert all(rows * width <= module.BATCH_TOKENS for (rows, width), _ in shapes)
    padded = sum(rows * width for (rows, width), _ in shapes)
    assert sum(tokens for _, tokens in shapes) / padded > 0.95


def test_pieces_of_a_long_corpus_are_joined_in_order(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    many = corpus_of(texts(250))
    whole = runtime.logits(many)
    monkeypatch.setattr(module, "LARGEST_PIECE", 100)
    np.testing.assert_allclose(runtime.logits(many), whole, atol=1e-5)
    assert runtime.embed(many).shape == (250, HIDDEN)


@pytest.mark.parametrize("then", ["replaced", "removed"])
def test_bundle_in_use_goes_on_when_its_folder_is_replaced(tmp_path: Path, then: str) -> None:
    bundle = open_bundle(made_bundle(tmp_path / "b"), threads=2)
    many = texts(500)
    before = [bundle.predict([text])[0].label for text in many]
    shutil.rmtree(tmp_path / "b")
    if then == "replaced":
        made_bundle(tmp_path / "b", seed=1)
        assert [p.label for p in open_bundle(tmp_path / "b").predict(many)] != before
    assert [p.label for p in bundle.predict(many)] == before


def test_threads_may_share_a_runtime(runtime: Runtime) -> None:
    many = texts(60)
    expected = [p.label for p in runtime.predict(corpus_of(many))]
    wrong: list[object] = []

    def ask() -> None:
        try:
            for _ in range(5):
                wrong.extend([1] * ([p.label for p in runtime.predict(corpus_of(many))] != expected))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_model_that_does_not_fit_its_labels_is_refused(tmp_path: Path) -> None:
    made_model(tmp_path / "model.onnx", labels=2)
    with pytest.raises(BundleError, match="gives 2 scores a text, but there are 3 labels"):
        Runtime(tmp_path / "model.onnx", TokenEncoder(made_tokenizer(), 8), LabelSet(LABELS), cleaning=Cleaning())
