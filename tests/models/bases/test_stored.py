"""A base is written once and opened whole, or refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from made import causal, encoder, hidden_states, word_tokenizer

from feilun.core.errors import BaseModelError
from feilun.models.bases.base import BaseFacts
from feilun.models.bases.stored import CONFIG, FACTS, TOKENIZER, WEIGHTS, load, save

ENCODER = BaseFacts("tiny", "encoder", "mean", "query: ", 64, 0, ("zh", "en"), "MIT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = encoder().bert
    save(tmp_path, model.state_dict(), model.config, word_tokenizer(), ENCODER)
    return tmp_path


def test_opened_equals_written(folder: Path) -> None:
    base = load(folder)
    assert base.facts == ENCODER
    assert not base.model.training
    assert {weight.dtype for weight in base.model.parameters()} == {torch.float32}
    ids = base.tokenizer.encode("bank 银行").ids
    assert ids == [2, 8, 9, 3]
    torch.testing.assert_close(hidden_states(base.model, ids), hidden_states(encoder().bert, ids), rtol=0, atol=0)


def test_equal_content_has_equal_hash(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    twin, other = tmp_path_factory.mktemp("twin"), tmp_path_factory.mktemp("other")
    model = encoder().bert
    save(twin, model.state_dict(), model.config, word_tokenizer(), ENCODER)
    model.embeddings.word_embeddings.weight.data[5, 5] += 1
    save(other, model.state_dict(), model.config, word_tokenizer(), ENCODER)
    assert load(folder).sha256 == load(twin).sha256 != load(other).sha256


def test_hidden_and_layers(folder: Path) -> None:
    base = load(folder)
    assert base.hidden == 32
    assert base.layers is base.model.encoder.layer


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, TOKENIZER, FACTS])
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BaseModelError, match=name):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, TOKENIZER])
def test_truncated_file_is_named(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(BaseModelError, match=rf"{name} has .* bytes instead of"):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, TOKENIZER])
def test_one_changed_byte_is_named(folder: Path, name: str) -> None:
    path = folder / name
    stamp = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BaseModelError, match=f"{name} is not what was written"):
        load(folder)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # not even the time tells of it
    with pytest.raises(BaseModelError, match=f"{name} is not what was written"):
        load(folder, whole_hash=True)


def test_copied_folder_opens(folder: Path) -> None:
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    assert load(folder).name == "tiny"


def test_newer_schema_is_refused(folder: Path) -> None:
    record = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps({**record, "schema": 99}))
    with pytest.raises(BaseModelError, match="schema 99"):
        load(folder)


def test_missing_tensor_is_refused_rather_than_made_up(tmp_path: Path) -> None:
    model = causal().model
    weights = {name: tensor for name, tensor in model.state_dict().items() if name != "layers.1.mlp.up_proj.weight"}
    save(tmp_path, weights, model.config, word_tokenizer(), ENCODER)
    with pytest.raises(BaseModelError, match=r"layers.1.mlp.up_proj.weight"):
        load(tmp_path)
