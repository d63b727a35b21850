"""Contrastive tuning beside plain fine-tuning and a frozen base, with a few rows of each class.

    python benchmarks/few_shot.py --data ../shared/data --set banking77 --labels 5 10 --draws 5 [--split test]

So many rows a class are drawn from the training rows; 154 dev rows choose the weights of each run, for all ways alike.
Accuracy, the mean over the draws with its range.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings, build
from feilun.training.few_shot import put_regression
from feilun.training.inputs import make_inputs
from feilun.training.methods import METHODS
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from few_labels import SETS, drawn
from public_tables import read

CHOOSING = 154


def accuracy(way: str, base: str, splits: Splits, settings: TrainingSettings) -> float:
    """Train one way and judge it on the test rows of the splits."""
    model = build(ModelSettings(base=base, max_tokens=64), open_base(base), splits, settings.seed)
    if way == "frozen":
        put_regression(model.head, make_inputs(model, splits.train).all(), model.head.targets(splits.train))  # type: ignore[arg-type]
    else:
        with tempfile.TemporaryDirectory() as name:
            own = replace(settings, method=way)
            METHODS[way](model, splits, own, RunFolder(Path(name)), Path(name), identity="benchmark")
    right = splits.labels.encode([str(target) for target in splits.test.target or ()])
    return float((model.logits(splits.test).argmax(1) == right).mean())


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=SETS, default="banking77")
    parser.add_argument("--labels", type=int, nargs="+", default=[10, 5])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--ways", nargs="+", default=["frozen", "fine-tune", "contrastive"])
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    folder = arguments.data / arguments.set
    pool = read(folder / "train.csv")
    dev = read(folder / "dev.csv")
    chosen_by = dev.select(np.random.default_rng(99).permutation(len(dev))[:CHOOSING].tolist())
    judged = read(folder / f"{arguments.split}.csv")
    labels = LabelSet(tuple(sorted(set(pool.target or ()))))
    classes = labels.encode(pool.target or ())
    print("| set | labels a class | way | accuracy |\n| --- | --- | --- | --- |")
    for count in arguments.labels:
        for way in arguments.ways:
            found = []
            for seed in range(arguments.draws):
                train = pool.select(drawn(classes, count, seed).tolist())
                splits = Splits(train, chosen_by, judged, labels, {}, "drawn")
                stopping = EarlyStopping(metric="accuracy", patience=0, evaluations_per_epoch=1)
                settings = TrainingSettings(
                    epochs=arguments.epochs, seed=seed, threads=arguments.threads, early_stopping=stopping
                )
                found.append(accuracy(way, SETS[arguments.set], splits, settings))
            cell = f"{np.mean(found):.3f} ({min(found):.3f}–{max(found):.3f})"
            print(f"| {arguments.set} | {count} | {way} | {cell} |", flush=True)


if __name__ == "__main__":
    main()
