"""What a recipe may ask of columns beside the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.compression.settings import WITH_STUDENT
from feilun.core.remark import Remark
from feilun.models.adaptations.full import Full
from feilun.models.bases.packaged import NO_BASE

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe

FEATURE_TASKS = ("classify", "match", "multilabel", "rank", "regress")
"""Tasks whose models may read columns beside the text."""


def contradictions_of_features(recipe: Recipe) -> list[Remark]:
    """Say what cannot be where columns are read beside the text, or instead of it."""
    found = []
    if recipe.data.features and recipe.kind not in FEATURE_TASKS:
        found.append(
            Remark(
                f"data.features is for {', '.join(FEATURE_TASKS)}; a {recipe.task} model reads texts alone. "
                "For slices of the report name the columns in evaluation.slices.",
                f"data.features 只用于 {'、'.join(FEATURE_TASKS)}；{recipe.task} 模型只读文本。"
                "若要报告的切片，请把列名写进 evaluation.slices。",
            )
        )
    reads_text = bool(recipe.data.text) or recipe.data.verbalise
    if not reads_text and recipe.model.base != NO_BASE:
        found.append(
            Remark(
                f'model.base reads texts, and data.text is "": set model.base = "{NO_BASE}", or data.verbalise.',
                f'model.base 要读文本，而 data.text 是 ""：请设 model.base = "{NO_BASE}"，或者 data.verbalise。',
            )
        )
    if reads_text and recipe.model.base == NO_BASE:
        found.append(
            Remark(
                f'model.base = "{NO_BASE}" reads no text, but there is one: set data.text = "", or name a base.',
                f'model.base = "{NO_BASE}" 不读文本，而这里有文本：请设 data.text = ""，或者指定一个基座。',
            )
        )
    if recipe.model.base == NO_BASE and not isinstance(recipe.model.adaptation, Full):
        found.append(
            Remark(
                f'model.adaptation: the base "{NO_BASE}" has no layers to adapt: leave it out.',
                f'model.adaptation：基座 "{NO_BASE}" 没有可以适配的层：请去掉它。',
            )
        )
    if recipe.data.features and recipe.compression.form in WITH_STUDENT:
        found.append(
            Remark(
                "compression.form: a static student reads texts alone, but data.features names columns.",
                "compression.form：静态学生只读文本，但 data.features 写了列。",
            )
        )
    if recipe.data.features and recipe.training.distil.teachers:
        found.append(
            Remark(
                "training.distil: teachers are asked about texts alone, but data.features names columns.",
                "training.distil：问教师时只给文本，但 data.features 写了列。",
            )
        )
    return found
