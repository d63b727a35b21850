"""`feilun init`: a recipe is written after a look at the data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from feilun.core.errors import UsageError
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun init --task classify --data reviews.csv",
    "feilun init --data news.csv --text title --target sentiment --out news.toml",
)


class Task(StrEnum):
    """The tasks that there are."""

    CLASSIFY = "classify"
    MULTILABEL = "multilabel"
    REGRESS = "regress"
    TAG = "tag"


def init(
    data: Annotated[str, typer.Option(help="A table: csv, tsv, jsonl, parquet, xlsx, or a database URL.")],
    task: Annotated[Task, typer.Option(help="What the model is to do.")] = Task.CLASSIFY,
    text: Annotated[str | None, typer.Option(help="The column of texts; else the likeliest is taken.")] = None,
    target: Annotated[str | None, typer.Option(help="The column of labels; else the likeliest is taken.")] = None,
    query: Annotated[str | None, typer.Option(help="The SQL query, where the data is a database URL.")] = None,
    base: Annotated[str | None, typer.Option(help="The base model; else one that fits the language.")] = None,
    out: Annotated[Path | None, typer.Option(help="The recipe to write; else NAME.toml in this folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a recipe that is already there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at a table and write a recipe for it.

    Finds the columns of texts and labels; says which it took, so that you can name others.
    """
    from feilun.workflow import first_look

    name = first_look.name_of(data)
    path = out or Path(f"{name}.toml")
    if path.exists() and not force:
        raise UsageError(f"{path} is already there.", "Choose another name with --out, or replace it with --force.")
    found = first_look.look(data, text, target, query)
    if found.target is None:
        raise UsageError(first_look.without_labels(found), "Name the column of labels with --target.")
    written = first_look.write_recipe(path, name, found, base, query, task=task.value)
    if as_json:
        output.print_json({"recipe": str(path), "text": found.text, "target": found.target, "labels": found.labels,
                           "base": written})  # fmt: skip
        return
    print(f"{path}: texts in {found.text!r}, {found.labels} labels in {found.target!r}, base {written}.")
    print(f"Next: feilun check {path}, then feilun train {path}")
