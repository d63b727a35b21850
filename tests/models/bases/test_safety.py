"""Nothing that could run code is opened, however deep it lies."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from made import encoder, write_folder

from feilun.core.errors import BaseModelError
from feilun.models.bases.catalogue import open_base
from feilun.models.bases.safety import check_folder


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "model", encoder())


def test_clean_folder_passes(folder: Path) -> None:
    check_folder(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "a/b/c/weights.PT", "x/model.pkl", "m.ckpt", "y/z.pth"])
def test_pickle_at_any_depth_is_refused_and_never_opened(folder: Path, tmp_path: Path, name: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(BaseModelError, match="can run any code") as caught:
        open_base(str(folder))
    assert path.name in str(caught.value)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("disguise", ["model.safetensors", "deep/er/other.safetensors"])
def test_pickle_under_another_name_is_refused(folder: Path, tmp_path: Path, disguise: str) -> None:
    path = folder / disguise
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(BaseModelError, match="pickle under another name"):
        open_base(str(folder))
    torch.save({}, path)
    with pytest.raises(BaseModelError, match="pickle under another name"):
        open_base(str(folder))
    assert not (tmp_path / "sprung").exists()


def test_link_to_a_pickle_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"anything")
    (folder / "extra.dat").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(BaseModelError, match=r"extra\.dat"):
        open_base(str(folder))


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "0_Part/inner/config.json"])
@pytest.mark.parametrize(
    "content",
    [{"auto_map": {"AutoModel": "evil.Model"}}, {"a": [{"b": {"auto_map": ["x", "y"]}}]}, {"trust_remote_code": True}],
)
def test_code_is_refused_at_any_depth(folder: Path, name: str, content: dict[str, object]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    former = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**former, **content}))
    with pytest.raises(BaseModelError, match="code of its own") as caught:
        open_base(str(folder))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("shard", ["pytorch_model-1.bin", "../other.safetensors", "/etc/model.safetensors"])
def test_index_may_name_safetensors_beside_it_only(folder: Path, shard: str) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
    with pytest.raises(BaseModelError, match="names the weights file"):
        open_base(str(folder))


def test_words_of_a_vocabulary_are_not_configuration(folder: Path) -> None:
    (folder / "vocab.json").write_text(json.dumps({"auto_map": 7, "trust_remote_code": 8}))
    check_folder(folder)


def test_harmless_values_pass(folder: Path) -> None:
    (folder / "extra.json").write_text(json.dumps({"auto_map": None, "trust_remote_code": False}))
    check_folder(folder)


def test_broken_json_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(BaseModelError, match=r"config\.json is not valid JSON"):
        open_base(str(folder))
