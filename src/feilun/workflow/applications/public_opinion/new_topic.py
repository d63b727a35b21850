"""Trains the model of one new topic from few texts: it takes the place of the words by which the topic was found."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from feilun.apps.public_opinion.corrected import Corrected
from feilun.apps.public_opinion.readers import NO, YES
from feilun.apps.public_opinion.scheme import Scheme, known_topic
from feilun.bundles.bundle import Bundle
from feilun.core.corpus import corpus_of
from feilun.core.errors import DataError
from feilun.core.files import atomic_file
from feilun.core.remark import Remark
from feilun.workflow.applications.public_opinion.file import Settings
from feilun.workflow.applications.public_opinion.labelled import SEED, Row, labelled_rows
from feilun.workflow.getting_started.default_settings import top_layers
from feilun.workflow.recipe import from_table
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train

FEWEST = 10
"""Texts that are about a topic, and that are not, from which on a model of it is trained."""

OTHERS = 4
"""Texts that are not about it, for each that is: all of a large table would drown the few."""

EPOCHS = 10
FOLDS = 5
"""Of so many texts of each answer one judges, and one of the others chooses when to stop."""


def train_topic(
    settings: Settings, folder: Path, out: Path, topic: str, scheme: Scheme, corrected: Corrected,
    screen: Screen = silent,
) -> Bundle:  # fmt: skip
    """Train a model of one topic by contrastive tuning, from the labelled table, if there is one, and corrections.

    Args:
        settings: The application file.
        folder: Where that file is.
        out: Folder of the bundle `topic-NAME`.
        topic: Its name in the scheme.
        scheme: The topics with their words.
        corrected: What operators put right.
        screen: What the user sees.

    Returns:
        The bundle, which answers yes or no.

    Raises:
        UsageError: If the scheme has no such topic.
        DataError: If there are too few texts.
    """
    models = settings.models
    rows = labelled_rows(folder / models.labelled if models.labelled else None, corrected)
    texts = _chosen(rows, known_topic(topic, scheme))
    judging = texts[::FOLDS]
    learned = [one for place, one in enumerate(texts) if place % FOLDS]
    files = {
        name: str(_write(own, out / "labelled" / f"topic-{topic}-{name}.csv"))
        for name, own in (("train", learned), ("test", judging))
    }
    table = {
        "name": f"topic-{topic}", "task": "classify",
        "data": {**files, "text": "text", "target": "label", "split": {"validation": 1 / FOLDS}},
        "model": {"base": models.base, "max_tokens": 128, **top_layers(models.layers)},
        "training": {"method": "contrastive", "epochs": EPOCHS},
        "compression": {"texts": models.compared},
    }  # fmt: skip
    bundle = train(from_table(table), out=out / f"topic-{topic}", screen=screen)
    _tell(bundle, judging, topic, scheme, screen)
    return bundle


def _chosen(rows: Sequence[Row], topic: str) -> list[tuple[str, str]]:
    """Return texts that are about a topic and some that are not, each with yes or no."""
    told = [(row.text, topic in json.loads(row.topics)) for row in rows if row.topics and row.topics.startswith("[")]
    yes, no = ([text for text, about in told if about == wanted] for wanted in (True, False))
    if min(len(yes), len(no)) < FEWEST:
        raise DataError(
            Remark(
                f"{len(yes):,} labelled texts are about {topic!r} and {len(no):,} are not; at least "
                f"{FEWEST} of each are needed.",
                f"已标注的文本中有 {len(yes):,} 篇属于话题 {topic!r}，{len(no):,} 篇不属于；"
                f"两者各至少需要 {FEWEST} 篇。",
            ),
            Remark(
                f"Correct documents (`feilun public-opinion correct FILE KEY --topic {topic}`, and others without it), "
                "or add rows to models.labelled.",
                f"请更正一些文档（`feilun public-opinion correct FILE KEY --topic {topic}`，不属于的也更正几篇），"
                "或在 models.labelled 中增加几行。",
            ),
        )
    kept = np.random.default_rng(SEED).permutation(len(no))[: OTHERS * len(yes)]
    return [*((text, YES) for text in yes), *((no[place], NO) for place in sorted(kept.tolist()))]


def _write(texts: Sequence[tuple[str, str]], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *texts])
    return path.absolute()


def _tell(bundle: Bundle, judging: Sequence[tuple[str, str]], topic: str, scheme: Scheme, screen: Screen) -> None:
    """Say how often the model and the topic's words are right on texts that were not learned."""
    own = bundle.report.metrics["accuracy"].value
    said = scheme.predict(corpus_of([text for text, _ in judging]))
    right = [(topic in (one.labels or ())) == (label == YES) for one, (_, label) in zip(said, judging, strict=True)]
    words = sum(right) / len(right)
    screen.say(
        Remark(
            f"\n{topic}: of {len(right):,} texts that were not learned the model is right on {own:.1%}, the topic's "
            f"words on {words:.1%}.",
            f"\n{topic}：在没有学习过的 {len(right):,} 篇文本上，模型的正确率为 {own:.1%}，该话题的词为 {words:.1%}。",
        )
    )
    if own <= words:
        screen.say(
            Remark(
                "It is no better: let the words go on, or correct more documents and train again.",
                "模型并不更好：请继续用词判断，或再更正一些文档后重新训练。",
            )
        )
