"""A recipe: one TOML file that says what is to be made, of what, and how good it has to be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from feilun.compression.settings import CompressionSettings
from feilun.core import settings as core_settings
from feilun.core.errors import RecipeError, nearest
from feilun.core.remark import Remark, joined, said_in
from feilun.core.settings import REQUIRED, Fault, setting, table, tables
from feilun.data.settings import DataSettings
from feilun.evaluation.judges.table import JUDGES
from feilun.evaluation.settings import EvaluationSettings
from feilun.models.build import ModelSettings
from feilun.monitoring.retrain_policy import RetrainSettings
from feilun.training.search import SearchSettings
from feilun.training.settings import TrainingSettings
from feilun.workflow.rules.adapters import contradictions_of_adapter_form, with_whole_vocabulary
from feilun.workflow.rules.compression import contradictions_of_compression
from feilun.workflow.rules.features import contradictions_of_features
from feilun.workflow.rules.few_shot import contradictions_of_method
from feilun.workflow.rules.generation import bounded
from feilun.workflow.rules.rows import AS_THEY_ARE, contradictions_of_rows
from feilun.workflow.rules.unlabelled import contradictions_of_unlabelled
from feilun.workflow.settings_files import toml_text
from feilun.workflow.settings_files.overrides import put as put_overrides
from feilun.workflow.settings_files.recipe_file import parse, placed, read_text, resolve
from feilun.workflow.task_tables import (
    TaskSettings,
    contradictions_of,
    figures_of,
    figures_while_training,
    with_parts,
    with_tasks,
)

GATE_METRICS = tuple(dict.fromkeys(metric for judge in JUDGES.values() for metric in judge.metrics))
"""Metrics that a gate may bound, of all tasks: losses and errors from above, the others from below."""

METRICS_OF_TASKS = joined([
    Remark(f"{task}: {', '.join(judge.metrics)}", f"{task}：{'、'.join(judge.metrics)}")
    for task, judge in JUDGES.items()
])  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What is to be made, of what, and how good it has to be."""

    task: Literal["classify", "generate", "multilabel", "match", "multitask", "rank", "regress", "tag"] = setting(
        REQUIRED,
        Remark(
            "what the model is to do: classify gives each text one label, multilabel a set of labels, match each "
            "pair of texts one label, rank a relevance to sort by, regress numbers; tag finds spans such as "
            "names; generate writes an answer; multitask does several of these at once",
            "模型要完成的任务：classify 每条文本一个标签；multilabel 一组标签；match 每对文本一个标签；rank 用于排"
            "序的相关度；regress 数值；tag 找出名称之类的片段；generate 写出回答；multitask 同时完成其中几项",
        ),
    )
    name: str = setting(
        "model",
        Remark("name of the bundle; where absent, the recipe's file name", "模型包的名称；不写则用配方的文件名"),
    )
    data: DataSettings = table(DataSettings, "the rows")
    model: ModelSettings = table(ModelSettings, "the base model and what is put on it")
    tasks: dict[str, TaskSettings] = tables(TaskSettings, "the tasks of a multitask recipe, by name")
    training: TrainingSettings = table(TrainingSettings, "how the model learns")
    compression: CompressionSettings = table(CompressionSettings, "how the bundle is made small")
    evaluation: EvaluationSettings = table(EvaluationSettings, "how the model is judged")
    search: SearchSettings = table(SearchSettings, "how better settings are searched for")
    retrain: RetrainSettings = table(RetrainSettings, "when the model is trained again, and what may take its place")
    gate: dict[str, float] = setting(
        {},
        joined(
            [
                Remark("bounds that the release must keep, by metric of the task", "发布必须守住的界限，按任务的指标"),
                METRICS_OF_TASKS,
            ],
            ": ",
            "：",
        ),
    )

    @property
    def kind(self) -> str:
        """Return the row of the tables of tasks: the task, or `similarity` where two texts are read apart."""
        return kind_of(self.task, self.model.encoder)

    def contradictions(self) -> list[Remark]:
        """Say what in the recipe cannot be."""
        found = []
        if not re.fullmatch(r"[\w][\w.\-]*", self.name):
            found.append(
                Remark(
                    f"name is a folder's name: letters, digits, '-', '_' and '.' only, not {self.name!r}.",
                    f"name 是文件夹的名称：只能用字母、数字、'-'、'_' 和 '.'，不能是 {self.name!r}。",
                )
            )
        found += contradictions_of_rows(self)
        found += contradictions_of_features(self)
        found += contradictions_of_adapter_form(self)
        found += contradictions_of_compression(self)
        if self.training.distil.teachers and self.task not in {"classify", "match"}:
            found.append(
                Remark(
                    f"training.distil: teachers give texts one label; a {self.task} recipe has none.",
                    f"training.distil：教师给文本一个标签；{self.task} 的配方没有单一标签。",
                )
            )
        found += contradictions_of_unlabelled(self)
        found += contradictions_of_method(self)
        if self.task == "multitask":
            found += contradictions_of(self.tasks, self.data.clean.cleaning())
        elif self.tasks:
            found.append(
                Remark(
                    "tasks are for a multitask recipe: leave the tables [tasks.NAME] out.",
                    "tasks 只用于 multitask 的配方：请去掉 [tasks.NAME] 这些表。",
                )
            )
        metric, known = self.training.early_stopping.metric, figures_while_training(self.kind, self.tasks)
        if metric not in known:
            meant = nearest(metric, known)
            found.append(
                Remark(
                    f"training.early_stopping.metric is {metric!r}, which is not measured. {meant}",
                    f"training.early_stopping.metric 是 {metric!r}，没有这个指标。{said_in('zh', meant)}",
                )
            )
        evaluation = self.evaluation
        chooses = self.task not in {"generate", "rank", "regress", "tag"}
        if not chooses and (evaluation.cost_error or evaluation.wanted_accuracy):
            found.append(
                Remark(
                    "evaluation.cost_error and evaluation.wanted_accuracy are for tasks that give labels.",
                    "evaluation.cost_error 和 evaluation.wanted_accuracy 只用于给出标签的任务。",
                )
            )
        if self.task not in {"classify", "match"} and evaluation.by_label:
            found.append(
                Remark(
                    "evaluation.by_label is for tasks that give one label.",
                    "evaluation.by_label 只用于给出单一标签的任务。",
                )
            )
        return found


def kind_of(task: str, encoder: Any) -> str:
    """Return the row of the tables of tasks for a task and the way in which it reads two texts."""
    return "similarity" if task == "match" and encoder == "bi" else task


def load(path: Path, overrides: Sequence[str] = (), *, text: str | None = None) -> Recipe:
    """Read a recipe from its file.

    Relative paths in the file are relative to the file's folder, those in `overrides` to the working directory.

    Args:
        path: The TOML file.
        overrides: Settings that replace the file's, each `key=value` with a dotted key, as `--set` takes them.
        text: What stood in the file, where it was read before; it may have been changed since.

    Returns:
        The recipe.

    Raises:
        UsageError: If there is no such file.
        RecipeError: With every fault, each with its line and the nearest valid key.
    """
    text = read_text(path) if text is None else text
    values = parse(text, path)
    values.setdefault("name", re.sub(r"[^\w.\-]+", "-", path.stem).strip("-.") or "model")
    resolve(values, path.absolute().parent)
    overridden, faults = put_overrides(Recipe, values, overrides)
    resolve(values, Path.cwd())
    recipe, more = _read(values)
    if recipe is None or faults:
        raise RecipeError([*faults, *placed(more, text, overridden)], str(path))
    return recipe


def from_table(values: Mapping[str, Any], source: str = "The recipe") -> Recipe:
    """Make a recipe from nested dictionaries; paths are taken as they stand.

    Args:
        values: What the TOML file would hold.
        source: Where the values came from, for the message.

    Returns:
        The recipe.

    Raises:
        RecipeError: With every fault.
    """
    recipe, faults = _read(values)
    if recipe is None:
        raise RecipeError([fault.message for fault in faults], source)
    return recipe


def to_toml(recipe: Recipe) -> str:
    """Write a recipe with all its settings as TOML text that `load` reads back to an equal recipe."""
    return toml_text.to_toml(core_settings.to_table(recipe))


def _read(values: Mapping[str, Any]) -> tuple[Recipe | None, list[Fault]]:
    said = values.get("model", {})
    task = kind_of(str(values.get("task")), said.get("encoder") if isinstance(said, Mapping) else None)
    task = task if task in JUDGES else "classify"  # an unknown one is named below
    values = with_tasks(values) if "tasks" in values else values
    table_of_data = {"data": {}, **values}  # so that the keys missing in [data] are named
    model, model_faults = _with_head(values.get("model", {}), task)
    data = _with_cleaning(table_of_data["data"], task)
    training = _with_metric(values.get("training", {}), JUDGES[task].metrics[0])
    bounds, gate_faults = _read_gate(values.get("gate", {}), figures_of(task, values.get("tasks")))
    own = {"data": data, "model": model, "training": training, "gate": bounds}
    own["evaluation"] = bounded(values.get("evaluation", {}), task)
    recipe, faults = core_settings.read(Recipe, {**table_of_data, **own})
    found = gate_faults + model_faults
    if found or recipe is None:
        return None, faults + found
    model = with_whole_vocabulary(with_parts(recipe.model, recipe.tasks), recipe.compression)
    return replace(recipe, model=model), faults


def _with_head(model: Any, task: str) -> tuple[Any, list[Fault]]:
    """Let the task choose the head's settings in a table `[model]`."""
    head = model.get("head", {}) if isinstance(model, Mapping) else None
    if not isinstance(head, Mapping):
        return model, []
    faults = []
    if head.get("kind", task) != task:
        said = Remark(
            f"model.head.kind is {head['kind']!r}, but the head follows from the task {task!r}: leave it out.",
            f"model.head.kind 是 {head['kind']!r}，但头由任务 {task!r} 决定：请去掉它。",
        )
        faults.append(Fault("model.head.kind", said))
    return {**model, "head": {**head, "kind": task}}, faults


def _with_cleaning(data: Any, task: str) -> Any:
    """Leave texts as they are where the task's targets are places in them; other tasks keep the defaults."""
    clean = data.get("clean", {}) if isinstance(data, Mapping) else None
    if task != "tag" or not isinstance(clean, Mapping):
        return data
    return {**data, "clean": {**core_settings.to_table(AS_THEY_ARE), **clean}}


def _with_metric(training: Any, metric: str) -> Any:
    """Let the task choose what stops training early, where a table `[training]` does not."""
    stopping = training.get("early_stopping", {}) if isinstance(training, Mapping) else None
    if not isinstance(stopping, Mapping):
        return training
    return {**training, "early_stopping": {"metric": metric, **stopping}}


def _read_gate(gate: Any, metrics: Sequence[str]) -> tuple[Any, list[Fault]]:
    """Return the sound bounds of a gate and what is wrong with the others."""
    if not isinstance(gate, Mapping):
        return gate, []
    faults = []
    for metric, bound in gate.items():
        if metric not in metrics:
            hint = nearest(metric, metrics)
            faults.append(
                Fault(
                    f"gate.{metric}",
                    Remark(f"unknown metric {metric!r}. {hint}", f"未知的指标 {metric!r}。{said_in('zh', hint)}"),
                )
            )
        elif isinstance(bound, bool) or not isinstance(bound, (int, float)):
            faults.append(
                Fault(
                    f"gate.{metric}",
                    Remark(
                        f"gate.{metric} must be number, not {bound!r}.", f"gate.{metric} 必须是数字，不能是 {bound!r}。"
                    ),
                )
            )
    unsound = {fault.key for fault in faults}
    return {metric: bound for metric, bound in gate.items() if f"gate.{metric}" not in unsound}, faults
