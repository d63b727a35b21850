"""A bundle of two models answers with the one or the other, by the text alone, and is refused where it is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feilun.bundles.bundle import Bundle, open_bundle, write_bundle
from feilun.bundles.cascade import Cascade
from feilun.bundles.golden import write_golden
from feilun.core.corpus import corpus_of
from feilun.core.errors import BundleError
from feilun.core.files import write_json
from tiny_bundle import WORDS, made_bundle, made_facts, made_files, made_model

TEXTS = [" ".join(WORDS[i : i + n]) for i in range(len(WORDS)) for n in (1, 2, 5)]


def made_cascade(path: Path, threshold: float = 0.6, **table: object) -> Path:
    def write(folder: Path) -> None:
        made_files(seed=0)(folder)
        made_model(folder / "student.onnx", seed=1)
        settings = {"model_temperature": 2.0, "student_temperature": 0.5, "threshold": threshold, **table}
        write_json(folder / "cascade.json", settings)

    write_bundle(path, write, made_facts())
    return path


def opened(path: Path) -> Bundle:
    return open_bundle(path, threads=1)


def test_sure_texts_are_the_students_and_the_rest_the_transformers(tmp_path: Path) -> None:
    cascade = opened(made_cascade(tmp_path / "c")).predictor
    model, student = (
        opened(made_bundle(tmp_path / str(seed), seed=seed)).predictor.logits(corpus_of(TEXTS)) for seed in (0, 1)
    )
    student = student / 0.5
    sure = np.exp(student - student.max(1, keepdims=True))
    sure = (sure / sure.sum(1, keepdims=True)).max(1) >= 0.6
    assert 0 < sure.sum() < len(TEXTS)
    np.testing.assert_allclose(cascade.logits(corpus_of(TEXTS)), np.where(sure[:, None], student, model / 2), atol=1e-5)


def test_an_answer_depends_on_the_text_alone(tmp_path: Path) -> None:
    bundle = opened(made_cascade(tmp_path / "c"))
    together = bundle.predict(TEXTS)
    backwards = bundle.predict(TEXTS[::-1])[::-1]
    for text, one, other in zip(TEXTS, together, backwards, strict=True):
        (alone,) = bundle.predict([text])
        assert alone.label == one.label == other.label
        assert alone.score == pytest.approx(one.score, abs=1e-5)
    assert [p.label for p in bundle.predictor.stream(iter(TEXTS))] == [p.label for p in together]
    assert bundle.predict([]) == []


@pytest.mark.parametrize(("threshold", "seed", "temperature"), [(0.0, 1, 0.5), (1.1, 0, 2.0)])
def test_the_ends_are_the_student_and_the_transformer(
    threshold: float, seed: int, temperature: float, tmp_path: Path
) -> None:
    cascade = opened(made_cascade(tmp_path / "c", threshold))
    alone = opened(made_bundle(tmp_path / "alone", seed=seed))
    found = cascade.predictor.logits(corpus_of(TEXTS))
    np.testing.assert_allclose(found * temperature, alone.predictor.logits(corpus_of(TEXTS)), atol=1e-5)


def test_states_are_always_the_transformers(tmp_path: Path) -> None:
    cascade, model = opened(made_cascade(tmp_path / "c")), opened(made_bundle(tmp_path / "m"))
    np.testing.assert_allclose(cascade.embed(corpus_of(TEXTS)), model.embed(corpus_of(TEXTS)), atol=1e-6)


def test_golden_inputs_watch_both_models(tmp_path: Path) -> None:
    path = made_cascade(tmp_path / "c")
    runtime = opened(path).predictor
    assert isinstance(runtime, Cascade)
    assert runtime.logits_of([[2, 5, 3]]).shape == (1, 2 * len(runtime.labels))
    write_golden(tmp_path, runtime)
    assert (tmp_path / "golden.json").is_file()


@pytest.mark.parametrize(
    ("table", "said"),
    [({"model_temperature": 0}, "cascade.json"), ({"threshold": "high"}, "cascade.json"),
     ({"student_temperature": None}, "cascade.json")],
)  # fmt: skip
def test_a_damaged_table_is_refused_by_name(table: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=said):
        opened(made_cascade(tmp_path / "c", **table))


def test_a_cascade_without_its_student_is_refused(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        made_files()(folder)
        write_json(folder / "cascade.json", {})

    write_bundle(tmp_path / "c", write, made_facts())
    with pytest.raises(BundleError, match=r"student\.onnx is missing"):
        opened(tmp_path / "c")
