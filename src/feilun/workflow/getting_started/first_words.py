"""A first look in words: which columns of a table were taken as what, and what it is good for without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feilun.core.places import typed
from feilun.core.remark import Remark, joined, said_in
from feilun.data.paths import shown
from feilun.data.split import SET_NAMES_ZH
from feilun.workflow.getting_started.columns import ANSWER_NAMES, matched, targets_among, texts_among
from feilun.workflow.getting_started.table_shape import PAIRED

if TYPE_CHECKING:
    from feilun.workflow.getting_started.first_look import FirstLook

NO_TEXTS = Remark("no texts", "没有文本")
NAMED = 12
"""Columns that are named one by one."""

WANTED = {
    "generate": Remark("what is to be written", "要写出的内容"),
    "tag": Remark("spans", "片段"),
    "rank": Remark("relevance", "相关程度"),
    "regress": Remark("numbers", "数值"),
    "multilabel": Remark("sets of labels", "标签组"),
}
"""What stands in the target's column, by task, where that is not one label a row."""


def describe(recipe: Path, found: FirstLook, parts: Mapping[str, str], base: str) -> list[Remark]:
    """Say what a recipe that was written for a table says, and what comes next: finished sentences.

    Args:
        recipe: The recipe.
        found: What a look at the training rows found.
        parts: The other tables, by part.
        base: The base that was chosen.
    """
    texts, name = describe_texts(found), typed(recipe)
    return [
        Remark(
            f"{recipe}: {found.task}: {texts}, base {base}.", f"{recipe}：{found.task}：{texts.chinese}，基座 {base}。"
        ),
        *(
            Remark(f"The {part} rows are those of {table}.", f"{SET_NAMES_ZH[part]}数据取自 {table}。")
            for part, table in parts.items()
        ),
        *describe_columns(found),
        Remark(
            f"Next: feilun check {name}, then feilun train {name}",
            f"接下来：feilun check {name}，然后 feilun train {name}",
        ),
    ]


def describe_columns(found: FirstLook) -> list[Remark]:
    """Say which columns are read as features, which are not and why, and which could be: finished sentences."""
    lines = []
    if found.features:
        names = ", ".join(found.features)
        lines.append(Remark(f"Read as features: {names}.", f"作为特征读取：{names}。"))
    for reason in dict.fromkeys(found.left_out.values()):
        names = ", ".join(name for name, own in found.left_out.items() if own == reason)
        lines.append(Remark(f"Left out: {names} ({reason}).", f"略去：{names}（{said_in('zh', reason)}）。"))
    if found.beside:
        names = ", ".join(found.beside)
        lines.append(
            Remark(
                f"--features all would read beside the text: {names}.", f"--features all 会在文本之外读取：{names}。"
            )
        )
    return lines


def describe_texts(found: FirstLook) -> Remark:
    """Say in a few words which columns hold the texts, and which what is to be predicted."""
    clauses = [Remark(f"texts in {found.text!r}", f"文本在 {found.text!r}") if found.text else NO_TEXTS]
    if found.pair:
        clauses = [Remark(f"{clauses[0]} and {found.pair!r}", f"{clauses[0].chinese} 和 {found.pair!r}")]
    if found.group:
        clauses.append(Remark(f"lists told apart by {found.group!r}", f"各组由 {found.group!r} 区分"))
    if found.target is None:
        clauses.append(Remark("each row a pair that belongs together", "每行是相配的一对"))
    else:
        wanted = WANTED.get(found.task) or Remark(f"{found.labels} labels", f"{found.labels} 种标签")
        clauses.append(Remark(f"{wanted} in {found.target!r}", f"{wanted.chinese}在 {found.target!r}"))
    return joined(clauses, ", ", "，")


def advice_without_labels(found: FirstLook, option: str = "--target") -> Remark:
    """Say what can be done with a table in which no column looks like labels; `option` names one."""
    table = shown(found.source)
    if found.task in PAIRED:
        return Remark(
            f"No column of {table} looks like the relevance of {found.pair!r} for {found.text!r}: "
            f"0 where it is not relevant, 1 or more where it is. Name it with {option}.",
            f"{table} 里没有看起来表示 {found.pair!r} 与 {found.text!r} 相关程度的列：不相关为 0，相关为 1 "
            f"或更大。请用 {option} 指明。",
        )
    if found.task == "tag":
        spans = '[{"start": 0, "end": 2, "label": "name"}]'
        return Remark(
            f"No column of {table} holds spans: name it with {option}. A cell is a list such as {spans}, "
            "[] where a text has none.",
            f"{table} 里没有放片段的列：请用 {option} 指明。单元格是列表，例如 {spans}，没有片段时为 []。",
        )
    source = typed(found.source)
    rest = [column for column in found.columns if column.name != found.text]
    likely = listed([column.name for column in targets_among(rest, found.rows)])
    answer = next((column.name for column in texts_among(rest) if matched(column.name, ANSWER_NAMES)), None)
    few = Remark("50 to 100 texts of each label make a start.", "每个标签有 50 到 100 条文本就可以开始。")
    hint = Remark(f"It may be {likely}.", f"可能是 {likely.chinese}。") if likely else few
    generate = f"feilun init --task generate --data {source}"
    insight = f"feilun insight {source} --text {typed(found.text)}"
    predict = f"feilun predict BUNDLE --file {source} --text {typed(found.text)}"
    lines = [
        Remark(
            f"No column of {table} is plainly one of labels (texts in {found.text!r}): name it with {option}. {hint}",
            f"{table} 里没有明显的标签列（文本在 {found.text!r}）：请用 {option} 指明。{hint.chinese}",
        ),
        *([Remark(f"  To have {answer!r} written: {generate}", f"  要写出 {answer!r}：{generate}")] if answer else []),
        Remark("Without labels:", "没有标签也可以："),
        Remark(f"  topics, trends and outliers: {insight}", f"  话题、趋势和离群文本：{insight}"),
        Remark(
            f"  the texts to label first:    feilun label suggest {source}",
            f"  最先该标注的文本：    feilun label suggest {source}",
        ),
        Remark(f"  a trained model's answers:   {predict}", f"  已训练模型的回答：    {predict}"),
    ]
    return joined(lines, "\n", "\n")


def listed(names: Sequence[str]) -> Remark:
    """Return names with commas between; of many the first, and how many more there are."""
    first, left = joined(names[:NAMED], ", ", "、"), len(names) - NAMED
    return Remark(f"{first} and {left} more", f"{first.chinese} 等，另有 {left} 个") if left > 0 else first
