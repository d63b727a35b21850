"""What each adaptation costs on a base, and what it reaches, each measured in a process of its own."""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.adaptations.table import ADAPTATIONS
from feilun.models.bases.base import Base
from feilun.models.bases.catalogue import list_bases, open_base
from feilun.models.build import ModelSettings, build
from feilun.training.fit import Run
from feilun.training.memory import peak_bytes
from feilun.training.optimizer import default_rate
from feilun.training.settings import TrainingSettings
from feilun.training.trackers.run_folder import RunFolder
from feilun.workflow.adaptations.quality import quality
from feilun.workflow.recipe import Recipe

PREFERRED = "minilm-l6-en"

ROWS, SHORTEST, LONGEST = 256, 8, 56
"""Made texts and their lengths in tokens: sentences of news and reviews, mostly."""

HEAVY = (
    "transformers.modeling_utils",
    "transformers.generation.utils",
    "transformers.models.bert.modeling_bert",
    "peft",
)
"""Modules that take seconds to import and that most measurements need."""

WARM_UP = 3
"""Steps before the clock starts."""


@dataclass(frozen=True)
class AdaptationCost:
    """What an adaptation costs by its defaults.

    Args:
        kind: Its name in a recipe.
        what: What it is, one sentence.
        moving: Weights that move, the head's included.
        share: Of all weights.
        learning_rate: Default for this base.
        tokens_per_second: Trained, whole steps, padding not counted.
        peak_megabytes: Most resident memory of the process, libraries included.
        quality: By recipe, the figure that it reached on validation rows; none where no recipe was given.
    """

    kind: str
    what: str
    moving: int
    share: float
    learning_rate: float
    tokens_per_second: float
    peak_megabytes: float
    quality: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return asdict(self)


def default_base() -> str:
    """Return the small English base where it is at hand, else any that is; else its name, so that it is asked for."""
    at_hand = sorted(list_bases(), key=lambda status: (status.name != PREFERRED, not status.cached))
    return next(
        (status.name for status in at_hand if status.accepted and (status.cached or status.installed)), PREFERRED
    )


def costs(
    base: str, *, seconds: float = 2.0, threads: int | None = None, recipes: Mapping[str, Recipe] | None = None
) -> Iterator[AdaptationCost]:
    """Measure every adaptation by its defaults, one after another, each in a fresh process.

    Args:
        base: Packaged name, hub id or folder.
        seconds: How long to train each.
        threads: Processor threads; none: all cores.
        recipes: Recipes that are trained with each adaptation, by name.

    Yields:
        What each costs.

    Raises:
        FeilunError: If the base cannot be opened, or an adaptation does not fit it.
    """
    with ProcessPoolExecutor(1, mp_context=_fresh_processes(), max_tasks_per_child=1) as processes:
        for kind in ADAPTATIONS:
            yield processes.submit(_cost_and_quality, base, kind, seconds, threads, dict(recipes or {})).result()


def _fresh_processes() -> BaseContext:
    """Return what starts fresh processes: copies of one that has only imported what they need, where there are such."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *HEAVY])
    return context


def _cost_and_quality(
    base: str, kind: str, seconds: float, threads: int | None, recipes: Mapping[str, Recipe]
) -> AdaptationCost:
    """Measure an adaptation, and then, as the peak of memory is read, train recipes with it."""
    cost = measure(base, kind, seconds, threads)
    return replace(cost, quality={name: quality(recipe, kind, threads) for name, recipe in recipes.items()})


def measure(base: str, kind: str, seconds: float, threads: int | None = None) -> AdaptationCost:
    """Train an adaptation for a while on made texts.

    Args:
        base: Packaged name, hub id or folder.
        kind: The adaptation's name in a recipe.
        seconds: How long.
        threads: Processor threads; none: all cores.

    Returns:
        What it costs; `peak_megabytes` is that of this process since it began.
    """
    opened = open_base(base)
    splits = made_splits(opened)
    longest = min(LONGEST, opened.max_tokens)
    settings = ModelSettings(
        base=base, max_tokens=max(4, longest), languages=("zh", "en"), adaptation=ADAPTATIONS[kind]()
    )
    model = build(settings, opened, splits, seed=13)
    lengths = [len(row) for row in model.encoder.encode(splits.train.text)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = Run(model, splits, TrainingSettings(epochs=1000, threads=threads), RunFolder(folder), folder, "cost")
        model.train()
        tokens, began, batches = 0, 0.0, list(run.steps(0))
        for step in range(run.total):
            if step == WARM_UP:
                tokens, began = 0, time.perf_counter()
            rows = batches[step % len(batches)]
            run.step(rows)
            tokens += sum(lengths[row] for batch in rows for row in batch)
            if step > WARM_UP and time.perf_counter() - began > seconds:
                break
        speed = tokens / (time.perf_counter() - began)
    weights = dict(model.named_parameters())
    moving = sum(weights[name].numel() for name in model.moving)
    return AdaptationCost(
        kind=kind,
        what=(ADAPTATIONS[kind].__doc__ or "").partition("\n")[0],
        moving=moving,
        share=moving / sum(weight.numel() for weight in weights.values()),
        learning_rate=default_rate(opened, model.adaptation),
        tokens_per_second=speed,
        peak_megabytes=peak_bytes() / 1e6,
    )


def made_splits(base: Base) -> Splits:
    """Make texts of random pieces of a base's vocabulary, with labels of no meaning."""
    source = random.Random(13)  # noqa: S311 - not for secrets
    pieces, longest = base.tokenizer.get_vocab_size(), min(LONGEST, base.max_tokens)
    lengths = [source.randint(min(SHORTEST, longest), longest) for _ in range(ROWS)]
    texts = [base.tokenizer.decode([source.randrange(pieces) for _ in range(length)]) for length in lengths]
    labels = LabelSet(("no", "yes"))
    rows: Corpus = corpus_of(texts, [source.choice(labels.names) for _ in texts])
    return Splits(rows, rows.select(range(8)), rows.select(range(8)), labels, {}, "made")
