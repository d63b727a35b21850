"""What a recipe may ask of unlabelled texts: checked before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.compression.settings import WITH_STUDENT
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.workflow.recipe import Recipe


def contradictions_of_unlabelled(recipe: Recipe) -> list[Remark]:
    """Say which settings do not go with unlabelled texts, or miss them."""
    found = []
    training, given = recipe.training, recipe.data.unlabelled is not None
    spreads = training.semi_supervised == "spread"
    distils = recipe.compression.form in WITH_STUDENT or training.distil.teachers
    if given and not distils and not spreads:
        found.append(
            Remark(
                "data.unlabelled: nothing learns from it: set compression.form, training.distil.teachers or "
                "training.semi_supervised.",
                "data.unlabelled：没有谁从它学习：请设 compression.form、training.distil.teachers 或 "
                "training.semi_supervised。",
            )
        )
    if given and recipe.data.pair is not None:
        found.append(
            Remark(
                "data.unlabelled holds single texts, but data.pair names a second one.",
                "data.unlabelled 里是单条文本，但 data.pair 指定了第二条。",
            )
        )
    if spreads and not given:
        found.append(
            Remark(
                'training.semi_supervised = "spread" needs data.unlabelled, a file of texts without labels.',
                'training.semi_supervised = "spread" 需要 data.unlabelled：一个放着无标签文本的文件。',
            )
        )
    if spreads and recipe.data.features:
        found.append(
            Remark(
                "training.semi_supervised spreads labels to texts alone, but data.features names columns.",
                "training.semi_supervised 只把标签传给文本，但 data.features 写了列。",
            )
        )
    if spreads and recipe.task != "classify":
        found.append(
            Remark(
                f"training.semi_supervised spreads the one label of a text, but the task is {recipe.task}.",
                f"training.semi_supervised 传播的是文本的单一标签，但任务是 {recipe.task}。",
            )
        )
    if spreads and training.distil.teachers:
        found.append(
            Remark(
                "training.semi_supervised and training.distil.teachers both label the unlabelled: keep one.",
                "training.semi_supervised 和 training.distil.teachers 都会给无标签文本加标签：请只留一个。",
            )
        )
    return found
