"""A bundle that answers otherwise than where it was written is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.tiny_bundle import made_bundle, made_facts, made_files, made_model

from feilun.bundles.bundle import open_bundle, write_bundle
from feilun.bundles.golden import GOLDEN, write_golden
from feilun.core.errors import BundleError
from feilun.core.files import read_json, write_json


def with_golden(path: Path, source: Path, model_seed: int = 0) -> Path:
    """Write a bundle whose golden answers are those of `source`, and whose model may be another."""

    def write(folder: Path) -> None:
        made_files()(folder)
        write_golden(folder, open_bundle(source).predictor)
        made_model(folder / "model.onnx", seed=model_seed)

    write_bundle(path, write, made_facts())
    return path


def test_the_same_model_passes(tmp_path: Path) -> None:
    bundle = open_bundle(with_golden(tmp_path / "b", made_bundle(tmp_path / "a")))
    table = read_json(bundle.path / GOLDEN)
    rows, logits = table["token_ids"], np.array(table["logits"])
    assert logits.shape == (len(rows), len(bundle.labels))
    assert all(0 <= token < bundle.predictor.encoder.tokenizer.get_vocab_size() for row in rows for token in row)
    assert max(map(len, rows)) <= bundle.predictor.encoder.max_tokens


def test_a_model_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="answers otherwise here"):
        open_bundle(with_golden(tmp_path / "b", made_bundle(tmp_path / "a"), model_seed=1))


@pytest.mark.parametrize("content", [{}, {"token_ids": [[1]]}, {"token_ids": [["x"]], "logits": [[1]]}])
def test_golden_inputs_that_are_none_are_refused(tmp_path: Path, content: dict[str, object]) -> None:
    def write(folder: Path) -> None:
        made_files()(folder)
        write_json(folder / GOLDEN, content)

    write_bundle(tmp_path / "b", write, made_facts())
    with pytest.raises(BundleError, match="golden inputs"):
        open_bundle(tmp_path / "b")
