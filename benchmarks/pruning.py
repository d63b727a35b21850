"""Pruned heads and units beside fewer layers, each in int8: which is the better model at an equal speed?

    python benchmarks/pruning.py --data ../shared/data --only banking77 --threads 1

One model is trained by the defaults. Each pruned arm takes a share of its heads and units out and learns for two epochs
more, taught by the whole model; so that this is not taken for pruning's gain, the whole model gets the same once. Fewer
layers are tried both ways: some layers of the trained model, which learn for two epochs more, and some of the base,
trained as long as the whole one was, all with the same teacher. What is measured is what would be served: int8, texts a
second over the test rows, arms in turns.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from feilun.bundles.runtime import Runtime
from feilun.compression.compress import compress
from feilun.compression.generation import evenly
from feilun.compression.pruned import Recover
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.splits import Splits
from feilun.data.prepare import prepare
from feilun.models.bases.catalogue import open_base
from feilun.models.build import build
from feilun.models.layers import keep_layers
from feilun.models.text_model import TextModel
from feilun.training.distil import Lessons
from feilun.training.fit import fit
from feilun.training.trackers.run_folder import RunFolder
from feilun.workflow.recipe import Recipe, from_table
from feilun.workflow.recovery import lessons_from

ROUNDS = 5


@dataclass(frozen=True)
class Case:
    """One data set with its base, and which layers are tried beside pruning."""

    data: str
    base: str
    epochs: int
    layers: tuple[int, ...]


CASES = (
    Case("banking77", "minilm-l6-en", 4, (4, 3, 2)),
    Case("waimai_10k", "multilingual-e5-small", 3, (9, 6, 4)),
)


class Bench:
    """Trains the arms of one case.

    Args:
        case: The case.
        data: Folder of the data sets.
        rows: Training rows; None: all.
        seed: Of the training.
        folder: For files on the way.
    """

    def __init__(self, case: Case, data: Path, rows: int | None, seed: int, folder: Path) -> None:
        tables = {part: str(data / case.data / f"{name}.csv") for part, name in
                  (("train", "train"), ("validation", "dev"), ("test", "test"))}  # fmt: skip
        self.recipe = from_table({
            "name": case.data, "task": "classify", "data": {**tables, "text": "text", "target": "label"},
            "model": {"base": case.base}, "training": {"epochs": case.epochs, "seed": seed},
            "compression": {"max_drop": 100.0, "max_changed": 1.0, "texts": 200},
        })  # fmt: skip
        splits = prepare(self.recipe.data, task="classify")
        self.splits: Splits = replace(splits, train=evenly(splits.train, rows or len(splits.train)))
        self.folder, self.case, self.runs = folder, case, 0

    def model(self, recipe: Recipe) -> TextModel:
        """Return the base with a fresh head."""
        return build(recipe.model, open_base(recipe.model.base), self.splits, recipe.training.seed)

    def learn(self, model: TextModel, epochs: int, lessons: Lessons | None) -> float:
        """Train a model; return the seconds."""
        self.runs += 1
        folder = self.folder / f"run{self.runs}"
        training = replace(self.recipe.training, epochs=epochs)
        began = time.perf_counter()
        fit(model, self.splits, training, RunFolder(folder), folder, identity=str(self.runs), lessons=lessons)
        return time.perf_counter() - began

    def recover(self, model: TextModel, lessons: Lessons | None) -> None:
        """Train a pruned model as a recipe would."""
        self.learn(model, self.recipe.compression.prune_epochs, lessons)

    def small(self, model: TextModel, prune: float = 0.0, recover: Recover | None = None) -> Runtime:
        """Return what would be served."""
        self.runs += 1
        folder = self.folder / f"small{self.runs}"
        folder.mkdir()
        settings = replace(self.recipe.compression, prune=prune)
        made = compress(model, self.splits, settings, self.recipe.data.clean.cleaning(), folder, recover=recover)
        print("#", " ".join(made.remarks), flush=True)
        assert isinstance(made.runtime, Runtime)
        return made.runtime

    def arms(self, shares: list[float]) -> Iterator[tuple[str, Runtime, float]]:
        """Train one arm after the other; yield its name, what would be served, and the seconds of its training."""
        whole = self.model(self.recipe)
        seconds = self.learn(whole, self.case.epochs, None)
        weights = copy.deepcopy(whole.state_dict())
        teacher = self.small(whole)
        yield "whole", teacher, seconds
        lessons = lessons_from(teacher, self.splits, self.recipe.training.distil)
        again = self.model(self.recipe)
        again.load_state_dict(weights)
        began = time.perf_counter()
        self.recover(again, lessons)
        yield "whole, taught by itself", self.small(again), time.perf_counter() - began
        for share in shares:
            model = self.model(self.recipe)
            model.load_state_dict(weights)
            began = time.perf_counter()
            small = self.small(model.eval(), share, lambda pruned, _: self.recover(pruned, lessons))
            yield f"pruned {share:.0%}", small, time.perf_counter() - began
        for layers in self.case.layers:
            model = self.model(self.recipe)
            model.load_state_dict(weights)
            keep_layers(model.base, layers, self.splits.train.text)
            model.moving = tuple(name for name, weight in model.named_parameters() if weight.requires_grad)
            began = time.perf_counter()
            self.recover(model, lessons)
            yield f"{layers} of its layers, taught", self.small(model), time.perf_counter() - began
        for layers in self.case.layers:
            recipe = replace(self.recipe, model=replace(self.recipe.model, layers=layers))
            model = self.model(recipe)
            seconds = self.learn(model, self.case.epochs, lessons)
            yield f"{layers} layers of the base, taught", self.small(model), seconds


def accuracy(runtime: Runtime, corpus: Corpus) -> float:
    """Return the share of right answers."""
    return float((runtime.logits(corpus).argmax(1) == runtime.labels.encode(corpus.target or ())).mean())


def speeds(runtimes: list[Runtime], texts: Corpus) -> list[list[float]]:
    """Return texts a second of each runtime in each round, all in turns after one round that is not counted."""
    found: list[list[float]] = [[] for _ in runtimes]
    for number in range(ROUNDS + 1):
        for runtime, own in zip(runtimes, found, strict=True):
            began = time.perf_counter()
            runtime.logits(texts)
            if number:
                own.append(len(texts) / (time.perf_counter() - began))
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[case.data for case in CASES])
    parser.add_argument("--shares", nargs="*", type=float, default=[0.2, 0.4, 0.6])
    parser.add_argument("--rows", type=int, help="training rows; else all")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--threads", type=int)
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    for case in (case for case in CASES if case.data in chosen.only):
        with tempfile.TemporaryDirectory() as place:
            bench = Bench(case, chosen.data, chosen.rows, chosen.seed, Path(place))
            names, runtimes, notes = [], [], []
            for name, runtime, seconds in bench.arms(chosen.shares):
                dev, test = (accuracy(runtime, rows) for rows in (bench.splits.validation, bench.splits.test))
                note = f"{runtime.model.stat().st_size / 1e6:.1f} | {dev:.4f} | {test:.4f} | {seconds:.0f}"
                names, runtimes, notes = [*names, name], [*runtimes, runtime], [*notes, note]
                print("#", name, note, flush=True)
            measured = speeds(runtimes, corpus_of(bench.splits.test.text))
            report(case, names, notes, measured)


def report(case: Case, names: list[str], notes: list[str], measured: list[list[float]]) -> None:
    """Print a case's table."""
    print(
        "| data, base | arm | texts/s (min–max) | × whole | MB | accuracy, dev | test | training, s |\n|" + "---|" * 8
    )
    whole = statistics.median(measured[0])
    for name, note, own in zip(names, notes, measured, strict=True):
        middle = statistics.median(own)
        print(f"| {case.data}, {case.base} | {name} | {middle:,.0f} ({min(own):,.0f}–{max(own):,.0f}) | "
              f"{middle / whole:.2f} | {note} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
