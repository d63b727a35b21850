"""Adaptations beside full fine-tuning: weights that move, training speed in turn in one process, accuracy on dev.

    python benchmarks/adaptations.py --data ../shared/data/financial_phrasebank --base minilm-l6-en
    python benchmarks/adaptations.py --data ../shared/data/financial_phrasebank --accuracy 4 --only lora adalora

Speed is that of whole steps, optimiser included, over the same rows; accuracy is the best over the evaluations of one
run by the defaults of each adaptation, and that of the last.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.adapter import Adapter
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings, build
from feilun.training.fit import Run, fit
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder

ARMS: dict[str, Adaptation] = {
    "full": Full(),
    "frozen, two layers": Frozen(layers=2),
    "adapter": Adapter(),
    "adapter, pfeiffer": Adapter(placement="pfeiffer"),
    "lora": LoRA(),
    "lora, all layers": LoRA(targets=("all",)),
    "adalora": AdaLoRA(),
}


def read(path: Path) -> Corpus:
    """Read a table with the columns text and label."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return corpus_of([row["text"] for row in rows], [row["label"] for row in rows])


def speeds(splits: Splits, base: str, arms: dict[str, Adaptation], seconds: float, rounds: int) -> None:
    """Print tokens a second of every arm, in turn, the first round left out."""
    with tempfile.TemporaryDirectory() as folder:
        runs, steps = {}, {}
        for number, (name, adaptation) in enumerate(arms.items()):
            model = build(ModelSettings(base=base, adaptation=adaptation), open_base(base), splits, 13)
            place = Path(folder) / str(number)
            runs[name] = Run(model, splits, TrainingSettings(epochs=100), RunFolder(place), place, "benchmark")
            steps[name] = (step for epoch in range(100) for step in list(runs[name].steps(epoch)))
            model.train()
        tokens, spent = dict.fromkeys(arms, 0), dict.fromkeys(arms, 0.0)
        for turn in range(rounds + 1):
            for name, run in runs.items():
                began, done = time.perf_counter(), 0
                while time.perf_counter() - began < seconds:
                    batches = next(steps[name])
                    run.step(batches)
                    done += sum(run.inputs.lengths[row] for batch in batches for row in batch)
                if turn:
                    tokens[name] += done
                    spent[name] += time.perf_counter() - began
    print("| adaptation | weights that move | share | tokens/s | ÷ full |\n|---|---|---|---|---|")
    speed = {name: tokens[name] / spent[name] for name in arms}
    for name, run in runs.items():
        moving = sum(weight.numel() for weight in run.weights)
        share = moving / sum(weight.numel() for weight in run.model.parameters())
        ratio = speed[name] / speed["full"] if "full" in speed else float("nan")
        print(f"| {name} | {moving:,} | {share:.2%} | {speed[name]:,.0f} | {ratio:.2f} |")


def accuracies(splits: Splits, base: str, arms: dict[str, Adaptation], epochs: int) -> None:
    """Print the accuracy on dev of every arm, trained by its defaults."""
    settings = TrainingSettings(epochs=epochs, early_stopping=EarlyStopping("accuracy", 0, 2))
    print("| adaptation | dev accuracy, best | last | seconds |\n|---|---|---|---|")
    for name, adaptation in arms.items():
        model = build(ModelSettings(base=base, adaptation=adaptation), open_base(base), splits, settings.seed)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            progress = fit(model, splits, settings, RunFolder(place), place, identity="benchmark")
        last = progress.history[-1]["accuracy"]
        print(f"| {name} | {progress.best:.4f} | {last:.4f} | {progress.seconds:.0f} |", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", default="minilm-l6-en")
    parser.add_argument("--only", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--accuracy", type=int, default=0, metavar="EPOCHS")
    chosen = parser.parse_args()
    train, dev = read(chosen.data / "train.csv"), read(chosen.data / "dev.csv")
    splits = Splits(train, dev, dev, LabelSet(tuple(sorted(set(train.target or ())))), {}, "")
    arms = {name: ARMS[name] for name in chosen.only}
    if chosen.accuracy:
        accuracies(splits, chosen.base, arms, chosen.accuracy)
    else:
        speeds(splits, chosen.base, arms, chosen.seconds, chosen.rounds)


if __name__ == "__main__":
    main()
