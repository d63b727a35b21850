"""The tables `[tasks.NAME]` of a recipe of several tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from feilun.core.remark import Remark
from feilun.core.settings import REQUIRED, choice, setting, table
from feilun.data.settings import DataSettings
from feilun.evaluation.judges.table import JUDGES
from feilun.models.build import ModelSettings
from feilun.models.heads.multitask import MultitaskSettings, TaskPart
from feilun.models.heads.table import HEADS, HeadSettings
from feilun.text.clean import Cleaning

SINGLE_HEADS = {name: HEADS[name] for name in ("classify", "multilabel", "regress")}
"""Heads of tasks that a multitask recipe may have."""


@dataclass(frozen=True)
class TaskSettings:
    """A table `[tasks.NAME]` of a `multitask` recipe."""

    task: Literal["classify", "multilabel", "regress"] = setting(
        REQUIRED, Remark("what this task is", "这项任务是什么")
    )
    weight: float = setting(1.0, Remark("what its loss counts", "它的损失的权重"), above=0)
    data: DataSettings = table(DataSettings, "its rows; keys that are absent are those of the table [data]")
    head: HeadSettings = choice(
        SINGLE_HEADS, "classify", Remark("its head, which its own `task` sets", "它的头，由它自己的 `task` 决定")
    )


def with_tasks(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill the tables of tasks up from `[data]`, and let each task choose its head."""
    data, tasks = values.get("data", {}), values.get("tasks", {})
    if not isinstance(data, Mapping) or not isinstance(tasks, Mapping):
        return values
    filled = {name: _with_shared(own, data) if isinstance(own, Mapping) else own for name, own in tasks.items()}
    tables_of_data = [own["data"] for own in filled.values() if isinstance(own, Mapping)]
    first = next((own for own in tables_of_data if isinstance(own, Mapping)), {})
    shared = {key: first[key] for key in ("train", "text") if key in first}  # what stands for all where none is shared
    return {**values, "data": {**shared, **data}, "tasks": filled}


def _with_shared(own: Mapping[str, Any], data: Mapping[str, Any]) -> Mapping[str, Any]:
    table_of_data, head = own.get("data", {}), own.get("head", {})
    chosen = str(own.get("task")) in SINGLE_HEADS and isinstance(head, Mapping)
    return {
        **own,
        "data": {**data, **table_of_data} if isinstance(table_of_data, Mapping) else table_of_data,
        "head": {**head, "kind": own["task"]} if chosen else head,
    }


def with_parts(model: ModelSettings, tasks: Mapping[str, TaskSettings]) -> ModelSettings:
    """Tell the head of several tasks what they are; other heads stay as they are."""
    if not isinstance(model.head, MultitaskSettings):
        return model
    parts = tuple(TaskPart(name, own.task, own.weight, own.head) for name, own in tasks.items())
    return replace(model, head=replace(model.head, parts=parts))


def figures_of(task: str, tasks: Any) -> tuple[str, ...]:
    """Return the figures that a gate may bound; those of several tasks have the task's name before them."""
    if task != "multitask" or not isinstance(tasks, Mapping):
        return JUDGES[task].metrics
    kinds = {name: str(own.get("task")) for name, own in tasks.items() if isinstance(own, Mapping)}
    own = [f"{name}.{metric}" for name, kind in kinds.items() if kind in JUDGES for metric in JUDGES[kind].metrics]
    return (*JUDGES[task].metrics, *own)


def figures_while_training(kind: str, tasks: Mapping[str, TaskSettings]) -> tuple[str, ...]:
    """Return the figures by which training may stop early; that of a model that writes needs no answer written."""
    kinds = {name: {"task": own.task} for name, own in tasks.items()}
    return ("perplexity",) if kind == "generate" else figures_of(kind, kinds)


def contradictions_of(tasks: Mapping[str, TaskSettings], cleaning: Cleaning) -> list[Remark]:
    """Say which of the tasks cannot be.

    Args:
        tasks: The tasks by name.
        cleaning: That of the recipe: one model cleans every text in one way.
    """
    found = []
    if len(tasks) < 2:
        found.append(
            Remark(
                "tasks holds fewer than two tables [tasks.NAME], and a multitask recipe has several tasks.",
                "tasks 里不足两个 [tasks.NAME] 表，而 multitask 的配方有几个任务。",
            )
        )
    for name, own in tasks.items():
        if not re.fullmatch(r"[\w-]+", name):
            found.append(
                Remark(
                    f"tasks.{name} is no name of a task: letters, digits, '-' and '_' only.",
                    f"tasks.{name} 不能作任务的名称：只能用字母、数字、'-' 和 '_'。",
                )
            )
        if own.data.pair is not None:
            found.append(
                Remark(
                    f"tasks.{name}.data.pair names a second text, but the tasks read one text.",
                    f"tasks.{name}.data.pair 指定了第二文本，但各任务只读一条文本。",
                )
            )
        if own.data.features:
            found.append(
                Remark(
                    f"tasks.{name}.data.features names columns, but the tasks read texts alone.",
                    f"tasks.{name}.data.features 指定了列，但各任务只读文本。",
                )
            )
        if not own.data.targets or (len(own.data.targets) > 1 and own.task != "regress"):
            found.append(
                Remark(
                    f"tasks.{name}.data.target names {len(own.data.targets)} columns; {own.task} reads one.",
                    f"tasks.{name}.data.target 写了 {len(own.data.targets)} 列；{own.task} 只读一列。",
                )
            )
        if own.data.clean.cleaning() != cleaning:
            found.append(
                Remark(
                    f"tasks.{name}.data.clean differs: one model cleans every text in one way; set data.clean.",
                    f"tasks.{name}.data.clean 与别处不同：一个模型只用一种方式清洗文本；请设 data.clean。",
                )
            )
    return found
