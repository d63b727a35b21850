"""Texts and labels that a verb of labelling works on: a recipe's training rows, or a table's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from feilun.core.errors import UsageError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.data.loading import Loaded, load
from feilun.data.settings import DataSettings
from feilun.data.target_kinds.table import TARGET_KINDS
from feilun.workflow import recipe as recipes
from feilun.workflow.getting_started.default_settings import base_for
from feilun.workflow.getting_started.first_look import look
from feilun.workflow.getting_started.first_words import advice_without_labels


def check_out(path: Path | None, valid: Collection[str], *sources: str | Path) -> None:
    """Refuse a file to write that has another ending than those that are valid, or that is read, before any work.

    Args:
        path: The file to write; None: there is none.
        valid: Its endings.
        sources: What is read.

    Raises:
        UsageError: If it cannot be.
    """
    if path is None:
        return
    if path.suffix.lower() not in valid:
        raise UsageError(
            Remark(
                f"{path} has the ending {path.suffix!r}; valid: {', '.join(valid)}.",
                f"{path} 的后缀是 {path.suffix!r}；可用：{'、'.join(valid)}。",
            ),
            Remark("Rename the file.", "请给文件换个名字。"),
        )
    if path.exists() and any(Path(source).exists() and path.samefile(source) for source in sources):
        raise UsageError(
            Remark(f"{path} is read, and would be overwritten.", f"{path} 正是要读取的文件，会被覆盖。"),
            Remark("Write to another file.", "请写到另一个文件。"),
        )


@dataclass(frozen=True)
class Place:
    """Where texts stand, and which base reads them.

    Args:
        settings: The file and its columns.
        base: The recipe's base, or the one that fits the texts.
        named: Whether the user named the base.
    """

    settings: DataSettings
    base: str
    named: bool

    @property
    def source(self) -> str:
        """Return the file, or the address of a database."""
        return self.settings.train


def place_of(source: str, text: str | None = None, label: str | None = None, base: str | None = None) -> Place:
    """Say where texts and labels stand.

    Args:
        source: A recipe (.toml) that gives one label to a text, or a table.
        text: The column of texts of a table; else the one that looks like it.
        label: The column of labels; else the one that looks like it, where there is one.
        base: The base that reads the texts; else the recipe's, or the one that fits them.

    Raises:
        UsageError: If the recipe's task has no single label, or columns are named beside a recipe.
        DataError: If the table has no column of texts.
    """
    if Path(source).suffix.lower() == ".toml":
        recipe = recipes.load(Path(source))
        if recipe.task != "classify":
            raise UsageError(
                Remark(
                    f"{source} is a {recipe.task} recipe; only `classify` gives each text one label.",
                    f"{source} 是 {recipe.task} 的配方；只有 `classify` 给每条文本一个标签。",
                ),
                Remark(
                    "Give a classify recipe, or a table with a column of labels.",
                    "请给出 classify 的配方，或者一张有标签列的表。",
                ),
            )
        if text or label:
            raise UsageError(
                Remark(f"{source} names its columns itself.", f"{source} 自己写明了列名。"),
                Remark("Leave out --text and --label.", "请去掉 --text 和 --label。"),
            )
        return Place(recipe.data, base or recipe.model.base, named=True)
    found = look(source, text, label)
    settings = DataSettings(source, text=found.text, target=found.target or ())
    return Place(settings, base or base_for(found.scripts), named=base is not None)


def labelled_rows(place: Place) -> tuple[Loaded, LabelSet]:
    """Read and clean the rows that have a label.

    Returns:
        The rows, with their numbers in the file as ids, and the labels in class order.

    Raises:
        DataError: If the table cannot be read, has no column of labels, or one that holds none.
    """
    if not place.settings.targets:
        raise UsageError(advice_without_labels(look(place.source, place.settings.text), "--label"))
    kind = TARGET_KINDS["classify"]
    cleaning = place.settings.clean.cleaning()
    loaded = load(place.source, place.settings, key="data.train", target=kind, cleaning=cleaning)
    labels, _ = kind.learn(loaded, place.settings)
    return loaded, labels
