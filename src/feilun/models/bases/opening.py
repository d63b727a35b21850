"""Opens the headless transformers model of a folder, and refuses one whose weights are not all there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feilun.core.errors import BaseModelError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from torch import nn


def open_model(folder: Path) -> nn.Module:
    """Open the headless transformers model of a folder, in float32 and evaluation mode.

    Raises:
        BaseModelError: If its architecture is unknown or its weights do not fit.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with quiet_transformers():
            model, notes = AutoModel.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                **headless(config.model_type),
            )
    except Exception as error:  # each architecture meets a wrong configuration, and torch wrong weights, in its own way
        raise BaseModelError(
            Remark(
                f"The model in {folder} cannot be opened: {_first_line(error)}",
                f"无法打开 {folder} 中的模型：{_first_line(error)}",
            ),
            Remark(
                "It must be a transformers model with config.json and safetensors of the same architecture.",
                "它必须是 transformers 模型，config.json 与 safetensors 的架构一致。",
            ),
        ) from error
    if notes["missing_keys"]:  # transformers would fill them with random numbers
        absent = sorted(notes["missing_keys"])
        raise BaseModelError(
            Remark(
                f"The weights in {folder} lack {len(absent)} tensors that the model needs, such as {absent[0]}.",
                f"{folder} 中的权重缺少模型需要的 {len(absent)} 个张量，如 {absent[0]}。",
            ),
            Remark(
                "They are cut short or of another model: fetch them anew.", "权重不完整或属于别的模型：请重新获取。"
            ),
        )
    opened_model: nn.Module = model.eval()
    return opened_model


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from reporting the task head that is left out, and from drawing its bar, for a while."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def headless(model_type: str) -> dict[str, Any]:
    """Return what tells a model class to leave out its pooler, which no checkpoint of ours has trained."""
    poolers = {"bert", "roberta", "xlm-roberta", "camembert", "ernie", "data2vec-text", "xlm-roberta-xl", "nezha"}
    return {"add_pooling_layer": False} if model_type in poolers else {}


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
