"""Local folders, GGUF files and a hub."""

from __future__ import annotations

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from made import WORDS, causal, encoder, hidden_states, word_tokenizer, write_folder
from transformers import T5Config, T5Model

from feilun.core.errors import BaseModelError
from feilun.models.bases import gguf
from feilun.models.bases.catalogue import open_base


def test_encoder_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", encoder())
    (folder / "README.md").write_text("---\nlanguage:\n- zh\n- en-US\nlicense: apache-2.0\n---\n# Title\n")
    base = open_base(str(folder))
    assert (base.kind, base.pooling, base.prefix, base.max_tokens, base.pad_id) == ("encoder", "mean", "", 64, 0)
    assert (base.languages, base.licence) == (("zh", "en"), "apache-2.0")
    ids = base.tokenizer.encode("bank").ids
    torch.testing.assert_close(hidden_states(base.model, ids), hidden_states(encoder().bert, ids), rtol=0, atol=0)


def test_causal_folder_starts_every_text(tmp_path: Path) -> None:
    base = open_base(str(write_folder(tmp_path / "model", causal(), word_tokenizer(special=False))))
    assert (base.kind, base.pooling) == ("causal", "last")
    assert base.tokenizer.encode("").tokens == ["<s>"]
    assert base.tokenizer.encode("bank", "card").tokens == ["<s>", "bank", "<s>", "card"]
    ids = base.tokenizer.encode("bank card").ids
    torch.testing.assert_close(hidden_states(base.model, ids), hidden_states(causal().model, ids), rtol=0, atol=0)


def test_half_precision_is_opened_in_float32(tmp_path: Path) -> None:
    base = open_base(str(write_folder(tmp_path / "model", encoder().half())))
    assert {weight.dtype for weight in base.model.parameters()} == {torch.float32}


def test_shards(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", encoder(), max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    ids = [2, 5, 6, 3]
    whole = hidden_states(encoder().bert, ids)
    torch.testing.assert_close(hidden_states(open_base(str(folder)).model, ids), whole, rtol=0, atol=0)


def test_sentence_transformers_say_how_they_pool(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", encoder())
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    assert open_base(str(folder)).pooling == "first"


def test_limit_of_the_tokenizer_counts_too(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", encoder())
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 32}))
    assert open_base(str(folder)).max_tokens == 32
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 1e30}))
    assert open_base(str(folder)).max_tokens == 64


def test_hash_follows_the_weights(tmp_path: Path) -> None:
    model = encoder()
    first = open_base(str(write_folder(tmp_path / "a", model))).sha256
    assert open_base(str(write_folder(tmp_path / "b", model))).sha256 == first
    model.bert.embeddings.word_embeddings.weight.data[0, 0] += 1
    assert open_base(str(write_folder(tmp_path / "c", model))).sha256 != first


def test_refusals_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="does not exist"):
        open_base(str(tmp_path / "nowhere"))
    with pytest.raises(BaseModelError, match=r"no config\.json"):
        open_base(str(tmp_path))
    folder = write_folder(tmp_path / "model", encoder())
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(BaseModelError, match="adapter"):
        open_base(str(folder))
    (folder / "adapter_config.json").unlink()
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(BaseModelError, match="tokenizer of"):
        open_base(str(folder))
    word_tokenizer(special=False).save(str(folder / "tokenizer.json"))
    with pytest.raises(BaseModelError, match="adds no special tokens"):
        open_base(str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(BaseModelError, match="no safetensors"):
        open_base(str(folder))


def test_model_for_neither_is_refused(tmp_path: Path) -> None:
    model = T5Model(T5Config(vocab_size=12, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2))
    with pytest.raises(BaseModelError, match="neither an encoder nor a causal"):
        open_base(str(write_folder(tmp_path / "model", model)))


def test_half_a_model_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", encoder())
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(BaseModelError, match="cannot be opened"):
        open_base(str(folder))


def test_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(BaseModelError, match="Did you mean 'multilingual-e5-small'"):
        open_base("multilingual-e5-smal")


def test_unreachable_hub_says_what_to_do() -> None:
    with pytest.raises(BaseModelError, match=r"cannot be reached: .*HF_ENDPOINT"):
        open_base("some-company/some-model")


@pytest.mark.parametrize("name", ["a/b/c", "has space", "-x"])
def test_impossible_name(name: str) -> None:
    with pytest.raises(BaseModelError, match="no base model's name"):
        open_base(name)


def write_gguf(path: Path) -> None:
    """Write a tiny Llama as llama.cpp would: tensors by its names, queries and keys permuted by its rotation."""
    from gguf import GGUFWriter

    model, config = causal().model, causal().config
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(2)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(8)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("gpt2")
    pieces = ["<|endoftext|>", "[UNK]", "a", "b", "<s>", "c", "ab", "d", "e", "f", "g", "h"]
    writer.add_token_list(pieces)
    writer.add_token_merges(["a b"])
    writer.add_token_types([3 if piece.startswith("<") else 1 for piece in pieces])
    writer.add_bos_token_id(4)
    writer.add_eos_token_id(0)
    names = {"embed_tokens": "token_embd", "norm": "output_norm"}
    for layer in range(2):
        parts = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
                 "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
                 "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
                 "post_attention_layernorm": "ffn_norm"}  # fmt: skip
        names |= {f"layers.{layer}.{full}": f"blk.{layer}.{short}" for full, short in parts.items()}
    for name, tensor in model.state_dict().items():
        array = tensor.numpy()
        heads = {"q_proj": 4, "k_proj": 2}.get(name.split(".")[-2])
        if heads:
            array = array.reshape(heads, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(f"{names[name.removesuffix('.weight')]}.weight", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_gguf_file_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tiny.gguf"
    write_gguf(file)
    base = open_base(str(file))
    assert (base.kind, base.pooling, base.max_tokens) == ("causal", "last", 64)
    assert base.tokenizer.encode("ab").tokens == ["<s>", "ab"]
    assert base.tokenizer.encode("").ids == [4]
    ids = [4, 6, 5]
    torch.testing.assert_close(hidden_states(base.model, ids), hidden_states(causal().model, ids))
    monkeypatch.setattr(gguf, "read", lambda _: pytest.fail("converted twice"))
    again = open_base(str(tmp_path))  # the folder's one GGUF file
    assert again.sha256 == base.sha256
    assert not hasattr(again.model.config, "quantization_config")


def test_damaged_gguf(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGML rather")
    with pytest.raises(BaseModelError, match="not a GGUF file"):
        open_base(str(file))
    write_gguf(file)
    file.write_bytes(file.read_bytes()[:900])
    with pytest.raises(BaseModelError, match="cannot be read"):
        open_base(str(file))


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of a model hub as opening a base asks of it; notes the files that it gave."""

    given: list[str]

    def __init__(self, *arguments: object, root: Path, given: list[str]) -> None:
        self.root, self.given = root, given
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self.describe(parts[3], tree="tree" in parts)
        else:
            self.give(self.root.joinpath(parts[1], *parts[4:]))

    def describe(self, name: str, tree: bool) -> None:
        folder = self.root / name
        files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        if not folder.is_dir():
            self.answer(b"", 404, {"X-Error-Code": "RepoNotFound"})
        elif tree:
            listing = [{"type": "file", "path": file, "size": 1, "oid": "a" * 40} for file in files]
            self.answer(json.dumps(listing).encode(), 200, {"Content-Type": "application/json"})
        else:
            about = {"id": f"org/{name}", "sha": "b" * 40, "siblings": [{"rfilename": file} for file in files]}
            self.answer(json.dumps(about).encode(), 200, {"Content-Type": "application/json"})

    def give(self, path: Path) -> None:
        if not path.is_file():
            self.answer(b"", 404, {"X-Error-Code": "EntryNotFound"})
            return
        self.given.append(path.name)
        tag = f'"{path.parent.name}-{path.name}"'
        self.answer(path.read_bytes(), 200, {"ETag": tag, "X-Repo-Commit": "b" * 40})

    def answer(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    given: list[str] = []
    root = tmp_path / "hub"
    root.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Hub, root=root, given=given))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", root, given
    server.shutdown()


ASK = """
import sys
from feilun.core.errors import BaseModelError
from feilun.models.bases.catalogue import open_base
for name in sys.argv[1:]:
    try:
        print(name, open_base(name).sha256)
    except BaseModelError as error:
        print(name, error)
"""


def ask(endpoint: str, home: Path, *names: str) -> list[str]:
    """Open bases in a fresh process: the hub's client reads its environment once."""
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", ASK, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
def test_hub_by_endpoint_then_from_its_cache(hub: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    endpoint, root, given = hub
    whole = write_folder(root / "whole", encoder())
    (whole / "pytorch_model.bin").write_bytes(b"a pickle that must not travel")
    (root / "pickled").mkdir()
    (root / "pickled" / "pytorch_model.bin").write_bytes(b"")
    coded = write_folder(root / "coded", encoder())
    config = json.loads((coded / "config.json").read_text())
    (coded / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))

    first = ask(endpoint, tmp_path / "hf", "org/whole", "org/pickled", "org/coded", "org/absent")
    assert len(first[0].split()) == 2
    assert "no safetensors" in first[1]
    assert "pickle" in first[1]
    assert "auto_map" in first[2]
    assert "neither packaged nor on the hub" in first[3]
    assert "pytorch_model.bin" not in given
    assert given.count("model.safetensors") == 2  # asked about, then fetched; of the refused model neither

    nobody = "http://127.0.0.1:9"
    second = ask(nobody, tmp_path / "hf", "org/whole", "org/coded")
    assert second[0] == first[0]
    assert "cannot be reached" in second[1] or "auto_map" in second[1]
