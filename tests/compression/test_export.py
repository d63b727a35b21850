from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from feilun.compression.export import export_onnx
from feilun.compression.graphs.bert import is_bert
from feilun.compression.quantize import quantize_int8
from feilun.core.errors import BundleError
from feilun.models.adaptations.full import Full
from feilun.models.heads.classify import ClassifyHead, ClassifySettings
from feilun.models.text_model import TextModel
from feilun.text.tokens import pad
from tiny import LABELS, tiny_base
from tiny_architectures import LONGEST, TRACED, WRITTEN, tiny_text_model


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def answer(opened: onnxruntime.InferenceSession, rows: list[list[int]], pad_id: int) -> list[NDArray[np.float32]]:
    ids, mask = pad(rows, pad_id)
    result: list[NDArray[np.float32]] = opened.run(["logits", "pooled"], {"input_ids": ids, "attention_mask": mask})
    return result


def rows_of_all_lengths(longest: int = LONGEST) -> list[list[int]]:
    random = np.random.default_rng(1)
    return [random.integers(4, 20, length).tolist() for length in random.permutation(np.arange(1, longest + 1))]


def check(model: TextModel, folder: Path) -> None:
    """Equal to torch; the same alone and in a batch, in float32 and in int8."""
    rows, pad_id = rows_of_all_lengths(), model.base.pad_id
    assert export_onnx(model, folder / "plain.onnx") < 1e-4
    assert quantize_int8(folder / "plain.onnx", folder / "int8.onnx") >= 12
    ids, mask = (torch.from_numpy(array) for array in pad(rows, pad_id))
    with torch.no_grad():
        wanted = [tensor.numpy() for tensor in model(ids, mask)]
    for name, tolerance in (("plain", 1e-4), ("int8", 0.25)):
        opened = session(folder / f"{name}.onnx")
        together = answer(opened, rows, pad_id)
        alone = [np.concatenate(parts) for parts in zip(*(answer(opened, [row], pad_id) for row in rows), strict=True)]
        for one, other, expected in zip(together, alone, wanted, strict=True):
            np.testing.assert_allclose(one, expected, atol=tolerance * max(1, np.abs(expected).max()))
            np.testing.assert_allclose(other, one, atol=1e-4)


@pytest.mark.parametrize("kind", WRITTEN)
def test_written_graph_is_the_model(kind: str, tmp_path: Path) -> None:
    model = tiny_text_model(kind)
    assert is_bert(model)
    check(model, tmp_path)


@pytest.mark.parametrize("kind", TRACED)
def test_traced_graph_is_the_model(kind: str, tmp_path: Path) -> None:
    model = tiny_text_model(kind)
    assert not is_bert(model)
    attention, cached = model.body.config._attn_implementation, getattr(model.body.config, "use_cache", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(model, tmp_path)
    assert model.body.config._attn_implementation == attention
    assert getattr(model.body.config, "use_cache", None) == cached


def test_exporting_twice_gives_equal_bytes(tmp_path: Path) -> None:
    model = tiny_text_model("bert")
    for name in ("a", "b"):
        export_onnx(model, tmp_path / f"{name}.onnx")
        quantize_int8(tmp_path / f"{name}.onnx", tmp_path / f"{name}.int8.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert (tmp_path / "a.int8.onnx").read_bytes() == (tmp_path / "b.int8.onnx").read_bytes()


def test_a_traced_file_names_no_path_of_this_machine(tmp_path: Path) -> None:
    export_onnx(tiny_text_model("distilbert"), tmp_path / "m.onnx")
    content = (tmp_path / "m.onnx").read_bytes()
    assert b".py" not in content
    assert b"Traceback" not in content
    onnx.checker.check_model(tmp_path / "m.onnx")


def test_a_training_model_is_exported_without_dropout_and_goes_on_training(tmp_path: Path) -> None:
    model = tiny_text_model("bert").train()
    assert export_onnx(model, tmp_path / "m.onnx") < 1e-4
    assert model.training


def test_pad_token_inside_a_text_counts_as_the_model_counts_it(tmp_path: Path) -> None:
    model = tiny_text_model("xlm-roberta")
    export_onnx(model, tmp_path / "m.onnx")
    rows = [[5, 1, 7, 8], [6, 7, 1]]
    ids, mask = (torch.from_numpy(array) for array in pad(rows, 1))
    with torch.no_grad():
        wanted = model(ids, mask)[0].numpy()
    np.testing.assert_allclose(answer(session(tmp_path / "m.onnx"), rows, 1)[0], wanted, atol=1e-4)


class Doubling(nn.Module):
    """A linear layer and something more, which a graph of a linear head would leave out."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 3)
        self.more = nn.Linear(3, 3)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        return self.more(self.linear(pooled))


def test_a_head_that_is_more_than_linear_is_traced(tmp_path: Path) -> None:
    model = tiny_text_model("bert")
    model.head = Doubling()
    assert not is_bert(model)
    assert export_onnx(model, tmp_path / "m.onnx") < 1e-4


class Shifted(TextModel):
    """Does more than base and head, which the written graph does not know."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, pooled = super().forward(input_ids, attention_mask)
        return logits + 0.1 * (input_ids.shape[1] > 8), pooled


def test_a_file_that_is_not_the_model_is_refused_and_not_left(tmp_path: Path) -> None:
    model = tiny_text_model("bert")
    model.__class__ = Shifted
    with pytest.raises(BundleError, match="not the trained one"):
        export_onnx(model, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_model_above_two_gigabytes_is_refused_before_work(tmp_path: Path) -> None:
    base = tiny_base()
    with torch.device("meta"):
        base.model.embeddings.word_embeddings = nn.Embedding(20_000_000, 32)
    model = TextModel(base, ClassifyHead(32, LABELS, ClassifySettings()), Full(), LABELS, LONGEST)
    with pytest.raises(BundleError, match="2 GB"):
        export_onnx(model, tmp_path / "m.onnx")
