"""Base models made to do harm."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from canary import DEEP, Canary, Trap, linked, piped, written

from feilun.models.bases.catalogue import open_base
from tiny import save_tiny_base

SHARDS = (
    "../x.safetensors", "/etc/x.safetensors", "..%2fx.safetensors", "%252e%252e%252fx.safetensors",
    "..\\x.safetensors", "C:\\x.safetensors", "x.bin", "x.safetensors\0.bin",
)  # fmt: skip
CODE = {"auto_map": {"AutoModel": "evil.Model"}}


def base(harm: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Return what opens a base model after harm was done to it."""

    def opened(folder: Path) -> Any:
        path = save_tiny_base(folder / "base")
        harm(path)
        return open_base(str(path))

    return opened


def safetensors(header: bytes | dict[str, Any], length: int | None = None, data: bytes = b"") -> bytes:
    """Return a file in the format of safetensors, with any header."""
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content) if length is None else length) + content + data


def tensor(shape: list[int], offsets: list[int]) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}


def weights(header: bytes | dict[str, Any], length: int | None = None, data: bytes = b"") -> Callable[[Path], Any]:
    """Return what opens a base with that header of its weights."""
    return base(written("model.safetensors", safetensors(header, length, data)))


def disguised() -> Callable[[Path], Any]:
    """Return what opens a base whose weights are a pickle."""
    return base(written("model.safetensors", pickle.dumps(Trap(), 4)))


def config(content: bytes) -> Callable[[Path], Any]:
    """Return what opens a base with that configuration."""
    return base(written("config.json", content))


def gguf(content: bytes) -> Callable[[Path], Any]:
    """Return what opens a GGUF file."""

    def opened(folder: Path) -> Any:
        (folder / "m.gguf").write_bytes(content)
        return open_base(str(folder / "m.gguf"))

    return opened


def index(content: Any) -> Callable[[Path], Any]:
    """Return what opens a base with that index of its weights."""
    return base(written("model.safetensors.index.json", json.dumps(content).encode()))


BASES = (
    *(Canary(f"base: pickle as {name}", Path(name).name, base(written(name, pickle.dumps(Trap()))))
      for name in ("pytorch_model.bin", "a/b/c/x.PT", "x.ckpt", "optimizer.pth", "scaler.joblib", "e.npz", "k.h5")),
    Canary("base: pickle as safetensors", "pickle under another name", disguised()),
    *(Canary(f"base: code of its own {place}", "code of its own", base(written(place, json.dumps(content).encode())))
      for place, content in (("config.json", CODE), ("a/b/config.json", {"x": [{"y": CODE}]}),
                             ("tokenizer_config.json", CODE), ("p.json", {"trust_remote_code": True}))),
    *(Canary(f"base: index names {shard!r}", "names the weights file", index({"weight_map": {"a": shard}}))
      for shard in SHARDS),
    Canary("base: index that is none", "weight_map", index([1])),
    Canary("base: link to a pickle", "x.dat", base(linked("x.dat", "/tmp/x.pkl"))),  # noqa: S108
    Canary("base: file that never ends", "special file", base(linked("x.json", "/dev/zero"))),
    Canary("base: pipe", "special file", base(piped("x.safetensors"))),
    Canary("base: header of 2^63 bytes", "header", weights(b"{}", 2**63)),
    Canary("base: header of 100 GB", "header", weights(b"{}", 10**11)),
    Canary("base: deep header", "header", weights(b'{"a":' * 100_000)),
    Canary("base: tensor of 4 TB", "header", weights(tensor([10**6, 10**6], [0, 4]), data=b"1234")),
    Canary("base: shape that overflows", "header", weights(tensor([2**62, 4], [0, 0]))),
    Canary("base: offsets beyond the file", "header", weights(tensor([1], [0, 4000]), data=b"1234")),
    Canary("base: deep configuration", "config.json", base(written("config.json", DEEP))),
    Canary("base: a hundred thousand layers", "layers", config(b'{"model_type": "bert", "num_hidden_layers": 100000}')),
    Canary("base: width that is text", "hidden_size", config(b'{"model_type": "bert", "hidden_size": "x"}')),
    Canary("base: deep tokenizer", "tokenizer", base(written("tokenizer.json", DEEP))),
    Canary("base: GGUF of 2^60 tensors", "GGUF", gguf(b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60))),
    Canary("base: pickle as GGUF", "GGUF", gguf(pickle.dumps(Trap()))),
)  # fmt: skip
