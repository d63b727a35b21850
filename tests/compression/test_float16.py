"""Float16 has half the size and answers as float32 does, in every architecture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from test_export import answer, rows_of_all_lengths, session

from feilun.compression.export import export_onnx
from feilun.compression.float16 import write_float16
from feilun.models.text_model import TextModel
from feilun.text.tokens import pad
from tiny import COLUMNS, tiny_head_model
from tiny_architectures import TRACED, WRITTEN, tiny_text_model


def written(model: TextModel, folder: Path) -> list[Path]:
    files = [folder / "plain.onnx", folder / "half.onnx"]
    export_onnx(model, files[0])
    write_float16(*files)
    return files


@pytest.mark.parametrize("kind", [*WRITTEN, *TRACED])
def test_it_answers_as_float32_does(kind: str, tmp_path: Path) -> None:
    model = tiny_text_model(kind)
    plain, half = (session(file) for file in written(model, tmp_path))
    rows = rows_of_all_lengths()
    for wanted, found in zip(*(answer(opened, rows, model.base.pad_id) for opened in (plain, half)), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, atol=0.02 * max(1, float(np.abs(wanted).max())))
        assert not np.array_equal(found, wanted)


def test_no_matrix_is_left_in_float32_and_a_bundle_gives_it_what_it_gave_before(tmp_path: Path) -> None:
    model = tiny_head_model("classify", features=True)
    plain, half = written(model, tmp_path)
    matrices = [tensor.data_type for tensor in onnx.load(half).graph.initializer if len(tensor.dims) > 1]
    assert set(matrices) == {onnx.TensorProto.FLOAT16}
    assert half.stat().st_size < 0.7 * plain.stat().st_size
    ids, mask = pad([[2, 5, 3]], 0)
    inputs = {"input_ids": ids, "attention_mask": mask, "features": np.ones((1, COLUMNS.width), np.float32)}
    wanted, found = (session(file).run(["logits"], inputs)[0] for file in (plain, half))
    np.testing.assert_allclose(found, wanted, atol=0.01)
