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

    width: int = setting(128, "numbers of a token's vector; a multiple of 16", minimum=16)
    pairs: int = setting(
        65536, "rows of the table of neighbouring tokens, which pairs share by hash; 0: no pairs", minimum=0
    )
    texts: int = setting(40000, "texts that are made from the training rows for the teacher to answer", minimum=0)
    epochs: int = setting(8, "times over training rows, made texts and `data.unlabelled`", minimum=1)
    temperature: float = setting(2.0, "softens what the teacher says (Hinton et al. 2015)", above=0)
    learning_rate: float = setting(0.003, "rate of the first step; it falls to zero", above=0)
    dropout: float = setting(0.1, "dropout of the summed vectors while learning", minimum=0, below=1)
    seed: int = setting(13, "seeds the made texts, the order of rows and the dropout", minimum=0)

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
        "model: the transformer; adapter: what its adaptation learnt and the head alone, on a base graph that several "
        "bundles share; cascade: a static student answers what it is sure of, the transformer the rest; "
        "student: the static student alone",
    )
    prune: float = setting(
        0.0, "share of the attention heads and of the feed-forward units that are taken out after training; 0: none",
        minimum=0, below=1,
    )  # fmt: skip
    prune_epochs: int = setting(2, "times over the training rows that the pruned model learns from", minimum=1)
    quantize: Literal["int8", "fp16", "none"] = setting(
        "int8",
        "int8: 8-bit weights and activations; fp16: half the size, for GPUs, not where answers are written; "
        "none: float32",
    )
    max_changed: float = setting(
        0.02, "largest share of predictions that int8 or fp16 may change; above it float32 is kept",
        minimum=0, maximum=1,
    )  # fmt: skip
    max_perplexity_rise: float = setting(
        0.02, "largest rise of perplexity that int8 may bring where answers are written; above it float32 is kept",
        minimum=0,
    )  # fmt: skip
    texts: int = setting(2000, "texts, labelled or not, on which int8 or fp16 is compared with float32", minimum=1)
    max_drop: float = setting(
        0.5,
        "points of accuracy that a cascade, a student or pruning may lose; else the transformer is kept as it is",
        above=0,
    )
    confidence: float = setting(
        0.95, "how sure it must be, by the validation rows, that no more than that is lost", above=0.5, below=1
    )
    student: StudentSettings = table(StudentSettings, "the static model that learns from the transformer")
