"""The table `[compression]`: how a trained model becomes small and fast, and what that may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from feilun.core.remark import Remark
from feilun.core.settings import setting, table

Form = Literal["model", "adapter", "cascade", "student"]
Precision = Literal["int8", "fp16", "fp32"]

WITH_STUDENT = ("cascade", "student")

AS_ASKED = Remark("Weights are float32, as the recipe asks.", "权重为 float32，按配方的要求。")


@dataclass(frozen=True)
class StudentSettings:
    """The table `[compression.student]`: the static model that learns from the transformer."""

    width: int = setting(
        128, Remark("numbers of a token's vector; a multiple of 16", "词元向量的宽度；16 的倍数"), minimum=16
    )
    pairs: int = setting(
        65536,
        Remark(
            "rows of the table of neighbouring tokens, which pairs share by hash; 0: no pairs",
            "相邻词元表的行数，各对按散列共用；0：不用词元对",
        ),
        minimum=0,
    )
    texts: int = setting(
        40000,
        Remark(
            "texts that are made from the training rows for the teacher to answer", "由训练行造出多少条文本供教师回答"
        ),
        minimum=0,
    )
    epochs: int = setting(
        8,
        Remark(
            "times over training rows, made texts and `data.unlabelled`",
            "训练行、造出的文本和 `data.unlabelled` 学几遍",
        ),
        minimum=1,
    )
    temperature: float = setting(
        2.0,
        Remark("softens what the teacher says (Hinton et al. 2015)", "使教师的回答更平缓（Hinton 等 2015）"),
        above=0,
    )
    learning_rate: float = setting(
        0.003, Remark("rate of the first step; it falls to zero", "第一步的学习率；逐步降到零"), above=0
    )
    dropout: float = setting(
        0.1, Remark("dropout of the summed vectors while learning", "学习时向量之和的 dropout"), minimum=0, below=1
    )
    seed: int = setting(
        13,
        Remark("seeds the made texts, the order of rows and the dropout", "造文本、行的顺序和 dropout 的随机种子"),
        minimum=0,
    )

    def contradictions(self) -> list[Remark]:
        """Say what cannot be."""
        uneven = Remark(
            "compression.student.width must be a multiple of 16, or its table cannot be int8.",
            "compression.student.width 必须是 16 的倍数，否则它的表无法变成 int8。",
        )
        return [uneven] if self.width % 16 else []


@dataclass(frozen=True)
class CompressionSettings:
    """The table `[compression]`."""

    form: Form = setting(
        "model",
        Remark(
            "model: the transformer; adapter: what its adaptation learnt and the head alone, on a base graph that "
            "several bundles share; cascade: a static student answers what it is sure of, the transformer the "
            "rest; student: the static student alone",
            "model：Transformer；adapter：只有适配方式学到的部分和头，几个模型包共用一个基座计算图；cascade：静态"
            "小模型有把握的由它回答，其余交给 Transformer；student：只有静态小模型",
        ),
    )
    prune: float = setting(
        0.0, Remark(
            "share of the attention heads and of the feed-forward units that are taken out after training; 0: none",
            "训练之后去掉的注意力头和前馈单元的比例；0：不去",
        ),
        minimum=0, below=1,
    )  # fmt: skip
    prune_epochs: int = setting(
        2,
        Remark("times over the training rows that the pruned model learns from", "剪枝后的模型再学训练行几遍"),
        minimum=1,
    )
    quantize: Literal["int8", "fp16", "none"] = setting(
        "int8",
        Remark(
            "int8: 8-bit weights and activations; fp16: half the size, for GPUs, not where answers are written; "
            "none: float32",
            "int8：8 位权重和激活；fp16：大小减半，用于 GPU，不用于生成；none：float32",
        ),
    )
    max_changed: float = setting(
        0.02, Remark(
            "largest share of predictions that int8 or fp16 may change; above it float32 is kept",
            "int8 或 fp16 最多可改变多大比例的预测；超过则保留 float32",
        ),
        minimum=0, maximum=1,
    )  # fmt: skip
    max_perplexity_rise: float = setting(
        0.02, Remark(
            "largest rise of perplexity that int8 may bring where answers are written; above it float32 is kept",
            "生成时 int8 最多可使困惑度上升多少；超过则保留 float32",
        ),
        minimum=0,
    )  # fmt: skip
    texts: int = setting(
        2000,
        Remark(
            "texts, labelled or not, on which int8 or fp16 is compared with float32",
            "用多少条文本（有无标签均可）比较 int8 或 fp16 与 float32",
        ),
        minimum=1,
    )
    max_drop: float = setting(
        0.5,
        Remark(
            "points of accuracy that a cascade, a student or pruning may lose; else the transformer is kept as it is",
            "级联、小模型或剪枝最多可损失几个百分点的准确率；超过则保留原来的 Transformer",
        ),
        above=0,
    )
    confidence: float = setting(
        0.95,
        Remark(
            "how sure it must be, by the validation rows, that no more than that is lost",
            "按验证行，对“损失不超过上限”要有多大把握",
        ),
        above=0.5,
        below=1,
    )
    student: StudentSettings = table(StudentSettings, "the static model that learns from the transformer")
