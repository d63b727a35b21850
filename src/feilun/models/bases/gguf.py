"""Reads GGUF files: dequantised weights and the tokenizer inside, by transformers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, processors

from feilun.core.errors import BaseModelError
from feilun.core.remark import Remark
from feilun.models.bases.opening import quiet_transformers

if TYPE_CHECKING:
    from torch import Tensor, nn

MAGIC = b"GGUF"


def read(file: Path) -> tuple[nn.Module, Tokenizer]:
    """Read a GGUF file; takes 20 to 60 s on two cores, so the result is worth keeping.

    Args:
        file: The file.

    Returns:
        The headless model in float32, its mark of quantisation taken off, and the tokenizer.

    Raises:
        BaseModelError: If the file is no GGUF file, is damaged, or of an architecture that transformers cannot read.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    with file.open("rb") as opened:
        if opened.read(4) != MAGIC:
            raise BaseModelError(
                Remark(
                    f"{file} is not a GGUF file: it does not begin with the letters GGUF.",
                    f"{file} 不是 GGUF 文件：开头不是 GGUF 四个字母。",
                )
            )
    where = {"gguf_file": file.name, "local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_transformers():
            model = AutoModel.from_pretrained(file.parent, dtype=torch.float32, **where)
            tokenizer: Tokenizer = AutoTokenizer.from_pretrained(file.parent, **where).backend_tokenizer
    except Exception as error:  # the reader raises whatever the damaged part happens to cause
        raise BaseModelError(
            Remark(
                f"The GGUF file {file} cannot be read: {type(error).__name__}: {error}.",
                f"无法读取 GGUF 文件 {file}：{type(error).__name__}: {error}。",
            ),
            Remark(
                "It must be whole, and of an architecture that transformers can read (Llama, Qwen, Gemma, …).",
                "文件必须完整，架构必须是 transformers 能读的（Llama、Qwen、Gemma 等）。",
            ),
        ) from error
    del model.config.quantization_config  # else transformers takes the dequantised weights for quantised ones
    model.config._name_or_path = ""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return model.eval(), tokenizer


def weights(model: nn.Module) -> dict[str, Tensor]:
    """Return a model's weights as contiguous tensors of their own."""
    return {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}


def pad_id(config: Any) -> int:
    """Return the id of padding: the configuration's, else that of the end of text, else 0."""
    for name in ("pad_token_id", "eos_token_id"):
        value = getattr(config, name, None)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, int) and value >= 0:
            return value
    return 0


def start_with(tokenizer: Tokenizer, token: str) -> None:
    """Let a tokenizer that adds nothing put `token` before every text, so that the empty text is a token too."""
    if not token or tokenizer.encode("").ids or tokenizer.token_to_id(token) is None:
        return
    template = processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A {token} $B:1", special_tokens=[(token, tokenizer.token_to_id(token))]
    )
    former = tokenizer.post_processor
    keep = former is not None and not isinstance(former, processors.TemplateProcessing)
    tokenizer.post_processor = processors.Sequence([former, template]) if keep else template
