"""What a recipe may ask of compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.compression.settings import WITH_STUDENT
from feilun.core.remark import Remark
from feilun.models.adaptations.full import Full
from feilun.models.bases.packaged import NO_BASE

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_compression(recipe: Recipe) -> list[Remark]:
    """Say what of the table `[compression]` this recipe's models cannot have."""
    found = []
    if recipe.compression.form in WITH_STUDENT and recipe.task != "classify":
        found.append(
            Remark(
                f"compression.form: a static student gives texts one label; a {recipe.task} recipe has none.",
                f"compression.form：静态学生给文本一个标签；{recipe.task} 的配方没有单一标签。",
            )
        )
    if recipe.compression.quantize == "fp16" and recipe.task == "generate":
        found.append(
            Remark(
                'compression.quantize = "fp16" is for models that write no answers: set it to "int8".',
                'compression.quantize = "fp16" 只用于不写答案的模型：请设为 "int8"。',
            )
        )
    if not recipe.compression.prune:
        return found
    if recipe.task == "generate" or recipe.model.base == NO_BASE:
        found.append(
            Remark(
                "compression.prune takes heads and units out of encoders: leave it out here.",
                "compression.prune 从编码器里剪掉注意力头和前馈单元：这里请去掉它。",
            )
        )
    if not isinstance(recipe.model.adaptation, Full):
        found.append(
            Remark(
                'compression.prune trains every weight again: set model.adaptation.kind = "full".',
                'compression.prune 会再次训练每个权重：请设 model.adaptation.kind = "full"。',
            )
        )
    return found
