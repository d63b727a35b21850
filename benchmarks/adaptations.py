"""Adaptations beside full fine-tuning: weights that move, training speed in turn in one process, accuracy on dev.

    python benchmarks/adaptations.py --data ../shared/data/financial_phrasebank --base minilm-l6-en
    python benchmarks/adaptations.py --data ../shared/data/financial_phrasebank --accuracy 4 --only lora adalora

Speed is that of whole steps, optimiser included, over the same rows; accuracy is the best over the evaluations of one
run by the defaults of each adaptation, and that of the last. What the best weights reach on test is written to the file
`--test`, so that choices can be made without seeing it.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np

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
from public_tables import read

ARMS: dict[str, Adaptation] = {
    "full": Full(),
    "frozen": Frozen(),
    "frozen, two layers": Frozen(layers=2),
    "adapter": Adapter(),
    "adapter, pfeiffer": Adapter(placement="pfeiffer"),
    "lora": LoRA(),
    "lora, all layers": LoRA(targets=("all",)),
    "adalora": AdaLoRA(),
}


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


def accuracies(
    splits: Splits, base: str, arms: dict[str, Adaptation], epochs: int, seeds: list[int], kept: Path | None
) -> None:
    """Print the accuracy on dev of every arm, trained by its defaults; what it is on test goes to a file only."""
    print("| adaptation | weights that move | seed | dev accuracy, best | last | seconds |\n|---|---|---|---|---|---|")
    for (name, adaptation), seed in itertools.product(arms.items(), seeds):
        settings = TrainingSettings(epochs=epochs, early_stopping=EarlyStopping("accuracy", 0, 2), seed=seed)
        model = build(ModelSettings(base=base, adaptation=adaptation), open_base(base), splits, seed)
        moving = [model.get_parameter(weight).numel() for weight in model.moving]
        share = sum(moving) / sum(weight.numel() for weight in model.parameters())
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            progress = fit(model, splits, settings, RunFolder(place), place, identity="benchmark")
        last = progress.history[-1]["accuracy"]
        cells = f"{name} | {sum(moving):,} ({share:.2%}) | {seed}"
        print(f"| {cells} | {progress.best:.4f} | {last:.4f} | {progress.seconds:.0f} |", flush=True)
        if kept is not None:
            said = model.logits(splits.test).argmax(1)
            right = float((said == splits.labels.encode(splits.test.target or ())).mean())
            with kept.open("a", encoding="utf-8") as file:
                file.write(f"| {cells} | {right:.4f} |\n")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", default="minilm-l6-en")
    parser.add_argument("--only", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--rows", type=int, help="training rows, evenly spread over the table; else all")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--accuracy", type=int, default=0, metavar="EPOCHS")
    parser.add_argument("--seeds", type=int, nargs="*", default=[13])
    parser.add_argument("--test", type=Path, metavar="FILE", help="gets the accuracy on test, to be read once")
    chosen = parser.parse_args()
    train, dev, test = (read(chosen.data / f"{part}.csv") for part in ("train", "dev", "test"))
    if chosen.rows:
        train = train.select(np.linspace(0, len(train) - 1, min(chosen.rows, len(train))).round().astype(int).tolist())
    splits = Splits(train, dev, test, LabelSet(tuple(sorted(set(train.target or ())))), {}, "")
    arms = {name: ARMS[name] for name in chosen.only}
    if chosen.accuracy:
        accuracies(splits, chosen.base, arms, chosen.accuracy, chosen.seeds, chosen.test)
    else:
        speeds(splits, chosen.base, arms, chosen.seconds, chosen.rounds)


if __name__ == "__main__":
    main()
