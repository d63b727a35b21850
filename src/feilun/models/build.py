"""From the recipe's `[model]` table to a model ready for training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.core.settings import choice, setting, table
from feilun.core.splits import Splits
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.table import ADAPTATIONS
from feilun.models.bases.base import Base
from feilun.models.bases.catalogue import open_base
from feilun.models.fusion import Fusion, FusionSettings
from feilun.models.heads.generate import GenerateSettings
from feilun.models.heads.language import NextTokenSettings
from feilun.models.heads.table import HEADS, HeadSettings
from feilun.models.layers import keep_layers
from feilun.models.text_model import TextModel
from feilun.models.vocabulary import trim
from feilun.text.language import languages_of
from feilun.text.prompts import Prompts
from feilun.text.tokens import TokenEncoder


@dataclass(frozen=True)
class ModelSettings:
    """The table `[model]`."""

    base: str = setting(
        "multilingual-e5-small",
        Remark(
            "packaged name, hub id, or folder of the base model; none: reads features alone",
            "基座：内置名称、hub 编号或文件夹；none：只读其他列",
        ),
    )
    max_tokens: int = setting(
        128,
        Remark("longest sequence that the model reads; longer texts are cut", "模型读取的最大长度；更长的文本会截断"),
        minimum=4,
    )
    too_long: Literal["cut", "refuse"] = setting(
        "cut",
        Remark(
            "what becomes of rows longer than that: cut (the data report counts them), or refuse to train on them",
            "超过该长度的行怎么办：cut 截断（数据报告会计数）；或拒绝训练",
        ),
    )
    layers: int | None = setting(
        None,
        Remark(
            "layers of the base to keep, those that agree most with all of them; none: all",
            "保留基座的几层，选与全部层最一致的；none：全部",
        ),
        minimum=1,
    )
    vocabulary: Literal["auto", "keep", "trim"] = setting(
        "auto",
        Remark(
            "trim: keep only the pieces of the languages at hand; auto: trim vocabularies above 100,000 pieces, "
            "unless the model writes",
            "trim：只保留数据语言的词元；auto：词表超过 100,000 个词元时裁剪，生成模型除外",
        ),
    )
    languages: tuple[str, ...] = setting(
        (),
        Remark(
            "languages to keep when trimming; empty: those of the data, and English",
            "裁剪词表时保留的语言；空：数据的语言和英语",
        ),
    )
    dropout: float = setting(
        0.1, Remark("dropout inside the base while training", "训练时基座内部的 dropout"), minimum=0, below=1
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto",
        Remark(
            "type of the matrix products; auto: bf16 where the processor has the instructions",
            "矩阵乘法的精度；auto：处理器有相应指令时用 bf16",
        ),
    )
    adaptation: Adaptation = choice(
        ADAPTATIONS, "full", Remark("how the base's weights may move", "基座的权重怎样变化")
    )
    encoder: Literal["cross", "bi"] = setting(
        "cross",
        Remark(
            "how two texts are compared (match): cross reads them together; bi reads each for itself, and gives "
            "vectors",
            "怎样比较两条文本（match）：cross 放在一起读；bi 各自读，并给出向量",
        ),
    )
    pair_prefix: str | None = setting(
        None,
        Remark(
            'put before every second text that is read for itself (e5: "passage: "); none: the same as before the '
            "first",
            '单独读第二文本时加在前面的文字（e5："passage: "）；none：与第一文本相同',
        ),
    )
    features: FusionSettings = table(FusionSettings, "how the columns of data.features reach the head")
    head: HeadSettings = choice(
        HEADS,
        "classify",
        Remark("the task, which the recipe's own `task` sets: leave it out", "任务，由配方的 `task` 决定：不必写"),
    )

    def __post_init__(self) -> None:
        if not isinstance(self.adaptation, tuple(ADAPTATIONS.values())):
            object.__setattr__(self, "adaptation", Full())


def wants_trimming(settings: ModelSettings, base: Base) -> bool:
    """Say whether the vocabulary is to be trimmed."""
    large = base.tokenizer.get_vocab_size() > 100_000
    writes = isinstance(settings.head, GenerateSettings | NextTokenSettings)
    return settings.vocabulary == "trim" or (settings.vocabulary == "auto" and large and not writes)


def build(settings: ModelSettings, base: Base, splits: Splits, seed: int) -> TextModel:
    """Put a fresh head on a base, whose vocabulary is trimmed first where that is wanted.

    Args:
        settings: The table `[model]`.
        base: The opened base.
        splits: The texts whose pieces are kept, and the labels.
        seed: Seeds the head's weights.

    Returns:
        The model, on a GPU where one is present; `model.remarks` says what was trimmed.

    Raises:
        UsageError: If `max_tokens` is above the base's limit, the base has fewer layers than are to be kept, or no
            weight may move.
    """
    check_length(settings, base)
    torch.manual_seed(seed)
    base, remarks = _shaped(settings, base, splits)
    head = settings.head.make(base.hidden, splits.labels)
    fusion = None if splits.features is None else Fusion(splits.features, base.hidden, settings.features)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = matrix_type(settings.precision, device)
    model = TextModel(
        base, head, settings.adaptation, splits.labels, settings.max_tokens, dtype, settings.pair_prefix, fusion
    )
    head.observe(splits.train)
    biases = head.first_biases(splits.train)
    if biases is not None:
        head.get_parameter("linear.bias").data.copy_(biases)
    model.to(device)
    if not model.moving:
        raise UsageError(
            Remark(
                f"No weight of the base {base.name} may move, and the head has none: there is nothing to train.",
                f"基座 {base.name} 的权重都不能更新，任务头也没有权重：没有可训练的内容。",
            ),
            Remark(
                "Choose another model.adaptation, or give the vectors a width of their own: model.head.projection.",
                "请选择另一种 model.adaptation，或用 model.head.projection 为向量设定自己的宽度。",
            ),
        )
    model.remarks = remarks
    return model


def _shaped(settings: ModelSettings, base: Base, splits: Splits) -> tuple[Base, tuple[Remark, ...]]:
    """Give a base the tokenizer, vocabulary, layers and dropout that are asked for; say what was left out of it."""
    remarks: list[Remark] = []
    base = replace(base, tokenizer=settings.head.tokenizer(base.tokenizer))
    if wants_trimming(settings, base):
        parts = (splits.train, splits.validation, splits.test)
        texts = [text for part in parts for column in (part.text, part.pair or ()) for text in column]
        languages = settings.languages or tuple(dict.fromkeys([*languages_of(texts), "en"]))
        base, trimmed = trim(base, languages, texts)
        remarks.append(trimmed.sentence())
    if settings.layers is not None:
        base, kept = keep_layers(base, settings.layers, splits.train.text)
        remarks.append(kept)
    set_dropout(base.model, settings.dropout)
    return base, tuple(remarks)


def build_anew(settings: ModelSettings, splits: Splits, seed: int) -> TextModel:
    """Open the base and put a fresh head on it, as another process did by `open_base` and `build`."""
    return build(settings, open_base(settings.base), splits, seed)


def token_encoder(settings: ModelSettings, base: Base) -> TokenEncoder | Prompts:
    """Return what turns the texts of a recipe into token ids, before there is a model."""
    if isinstance(settings.head, GenerateSettings):
        prompts = Prompts(TokenEncoder(base.tokenizer, settings.max_tokens), settings.head.decision(base))
        refuse_unless_room(prompts)
        return prompts
    before_second = base.prefix if settings.pair_prefix is None else settings.pair_prefix
    apart = before_second if settings.encoder == "bi" else None
    return TokenEncoder(base.tokenizer, settings.max_tokens, base.prefix, apart)


def refuse_unless_room(prompts: Prompts) -> None:
    """Refuse a context that what stands around prompts fills, together with the longest answer.

    Raises:
        UsageError: If it is so.
    """
    frame, answer = prompts.frame, prompts.decision.max_new_tokens
    if frame + answer >= prompts.context:
        raise UsageError(
            Remark(
                f"What stands around every prompt has {frame} tokens and the longest answer {answer}: of "
                "model.max_tokens, "
                f"{prompts.context}, nothing is left for the prompt.",
                f"每条提示前后的固定内容有 {frame} 个词元，最长的回答有 {answer} 个："
                f"model.max_tokens（{prompts.context}）没有给提示留下余地。",
            ),
            Remark(
                "Raise model.max_tokens, or shorten model.head.template or model.head.max_new_tokens.",
                "请调高 model.max_tokens，或缩短 model.head.template 或 model.head.max_new_tokens。",
            ),
        )


def check_length(settings: ModelSettings, base: Base) -> None:
    """Refuse a `max_tokens` above what the base can read.

    Raises:
        UsageError: If it is.
    """
    if settings.max_tokens > base.max_tokens:
        raise UsageError(
            Remark(
                f"model.max_tokens is {settings.max_tokens}, but {base.name} reads at most {base.max_tokens} tokens.",
                f"model.max_tokens 是 {settings.max_tokens}，但 {base.name} 最多读 {base.max_tokens} 个词元。",
            ),
            Remark(
                f"Set model.max_tokens to at most {base.max_tokens}.",
                f"请把 model.max_tokens 设为不超过 {base.max_tokens}。",
            ),
        )


def matrix_type(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of the matrix products: bfloat16 only where the processor has instructions for it."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bf16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if capable else torch.float32


def set_dropout(model: torch.nn.Module, share: float) -> None:
    """Set every dropout of a base, modules and configuration alike."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
    config = model.config
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, share)
