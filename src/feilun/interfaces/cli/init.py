"""`feilun init`: a recipe is written after a look at the data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from feilun.core.errors import UsageError
from feilun.core.remark import Remark, said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import option
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun init --task classify --data reviews.csv",
    "feilun init --data news.csv --text title --target sentiment --out news.toml",
    "feilun init --data applicants.csv --target risk --features all",
    "feilun init --task generate --data papers.csv --text abstract --target title",
)


class Task(StrEnum):
    """The tasks that there are."""

    CLASSIFY = "classify"
    MULTILABEL = "multilabel"
    TAG = "tag"
    MATCH = "match"
    RANK = "rank"
    REGRESS = "regress"
    GENERATE = "generate"


def init(
    data: Annotated[
        str,
        option(
            "A table (csv, tsv, jsonl, parquet, xlsx, database URL), or a folder with train, dev and test.",
            "表格（csv、tsv、jsonl、parquet、xlsx、数据库 URL），或含有 train、dev、test 的文件夹。",
        ),
    ],
    task: Annotated[
        Task | None,
        option(
            "What the model is to do; else what the columns look like, mostly classify.",
            "模型要完成的任务；默认按列的样子判断，多半是 classify。",
        ),
    ] = None,
    text: Annotated[
        str | None, option("The column of texts; else the likeliest is taken.", "文本列；默认取最像的一列。")
    ] = None,
    pair: Annotated[
        str | None,
        option(
            "The column of second texts (match, rank); else the likeliest is taken.",
            "第二文本的列（match、rank）；默认取最像的一列。",
        ),
    ] = None,
    target: Annotated[
        str | None, option("The column of labels; else the likeliest is taken.", "标签列；默认取最像的一列。")
    ] = None,
    features: Annotated[
        str,
        option(
            "Columns to read beside the text, with commas between; `all` for every one that can be.",
            "与文本一起读的列，用逗号分隔；写 `all` 则取所有可用的列。",
        ),
    ] = "",
    query: Annotated[
        str | None, option("The SQL query, where the data is a database URL.", "数据是数据库 URL 时的 SQL 查询。")
    ] = None,
    base: Annotated[
        str | None, option("The base model; else one that fits the language.", "基座；默认取适合该语言的一个。")
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "The recipe to write; else NAME.toml in this folder.", "配方写到哪个文件；默认为当前文件夹的 NAME.toml。"
        ),
    ] = None,
    force: Annotated[bool, option("Replace a recipe that is already there.", "覆盖已有的配方。", "--force")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at a table and write a recipe for it.

    Finds the columns of texts and labels; says which it took, so that you can name others. A table without texts
    becomes a recipe that reads its other columns.

    查看一张表格，并为它写出配方。

    自动找出文本列和标签列，并说明取了哪些，不合适可以另行指定。没有文本的表格，配方就只读其他列。
    """
    from feilun.workflow.getting_started import first_look, first_recipe, first_words
    from feilun.workflow.getting_started.table_parts import tables_of

    name = first_recipe.name_of(data)
    path = out or Path(f"{name}.toml")
    if path.exists() and not force:
        raise UsageError(
            Remark(f"{path} is already there.", f"{path} 已经存在。"),
            Remark(
                "Choose another name with --out, or replace it with --force.",
                "请用 --out 另取一个名字，或者用 --force 替换它。",
            ),
        )
    wanted = [column.strip() for column in features.split(",") if column.strip()]
    tables = tables_of(data)
    with output.progress_console().status(output.said(Remark(f"looking at {data}", f"正在查看 {data}"))):
        chosen = task.value if task else None
        found = first_look.look(tables["train"], text, target, query, wanted, task=chosen, pair=pair)
    if not found.trainable:
        raise UsageError(first_words.advice_without_labels(found))
    parts = {part: table for part, table in tables.items() if part != "train"}
    written = first_recipe.write_recipe(path, name, found, base, query, parts, output.language())
    if as_json:
        output.print_json({
            "recipe": str(path), "task": found.task, "text": found.text, "pair": found.pair, "group": found.group,
            "target": found.target, "labels": found.labels,
            "features": list(found.features), "left_out": dict(found.left_out), "base": written,
        })  # fmt: skip
        return
    for line in first_words.describe(path, found, parts, written):
        print(said_in(output.language(), line))
