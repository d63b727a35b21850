"""Ways to learn from few labels, trained: plain, by contrast, with the other rows as texts without labels.

    python benchmarks/few_shot.py --data ../shared/data --set banking77 --labels 5 10 --draws 5 [--split test]
    python benchmarks/few_shot.py --data ../shared/data --set waimai_10k --labels 0.05 --layers 4 --unlabelled 2000 \
        --ways fine-tune spread

So many rows a class are drawn from the training rows, or that share of all where it is below one; the others are the
texts without labels of the ways that take some. 154 dev rows choose the weights of each run, for all ways alike; on dev
the others judge. Accuracy, the mean over the draws with its range.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from feilun.core.corpus import Corpus
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.bases.catalogue import open_base
from feilun.models.build import ModelSettings, build
from feilun.training.few_shot import put_regression
from feilun.training.inputs import make_inputs
from feilun.training.methods import METHODS
from feilun.training.settings import TrainingSettings
from feilun.training.stopping import EarlyStopping
from feilun.training.trackers.run_folder import RunFolder
from feilun.workflow.teaching import teach
from few_labels import SETS, drawn
from public_tables import read

CHOOSING = 154


@dataclass(frozen=True)
class Way:
    """A way to learn: keys of `[training]`."""

    method: Literal["fine-tune", "contrastive"] = "fine-tune"
    semi_supervised: Literal["none", "spread"] = "none"


WAYS: Mapping[str, Way | None] = {
    "frozen": None,
    "fine-tune": Way(),
    "contrastive": Way(method="contrastive"),
    "spread": Way(semi_supervised="spread"),
}


def accuracy(way: Way | None, base: str, adaptation: Adaptation, splits: Splits, texts: list[str], seed: int,
             settings: TrainingSettings) -> float:  # fmt: skip
    """Train one way and judge it on the test rows of the splits."""
    model_settings = ModelSettings(base=base, max_tokens=64, adaptation=adaptation)
    if way is None:
        model = build(model_settings, open_base(base), splits, seed)
        put_regression(model.head, make_inputs(model, splits.train).all(), model.head.targets(splits.train))  # type: ignore[arg-type]
    else:
        own = replace(settings, **asdict(way))
        taught, lessons = teach(own, splits, "classify", texts, open_base(base))
        model = build(model_settings, open_base(base), taught, seed)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            METHODS[own.method](model, taught, own, RunFolder(folder), folder, identity="benchmark", lessons=lessons)
    right = splits.labels.encode([str(target) for target in splits.test.target or ()])
    return float((model.logits(splits.test).argmax(1) == right).mean())


def rows(folder: Path, split: str) -> tuple[Corpus, Corpus, Corpus]:
    """Return the training rows, those that choose, and those that judge."""
    dev = read(folder / "dev.csv")
    order = np.random.default_rng(99).permutation(len(dev)).tolist()
    chosen_by, others = dev.select(order[:CHOOSING]), dev.select(order[CHOOSING:])
    return read(folder / "train.csv"), chosen_by, others if split == "dev" else read(folder / f"{split}.csv")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=SETS, default="banking77")
    parser.add_argument("--labels", type=float, nargs="+", default=[10, 5])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--spread-epochs", type=int, default=3, help="epochs where the other rows join")
    parser.add_argument("--layers", type=int, default=0, help="top layers of the base that learn; 0: all")
    parser.add_argument("--unlabelled", type=int, default=10**6, help="most texts without labels")
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["frozen", "fine-tune", "contrastive"])
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    train, chosen_by, judged = rows(arguments.data / arguments.set, arguments.split)
    labels = LabelSet(tuple(sorted(set(train.target or ()))))
    classes = labels.encode(train.target or ())
    adaptation = Frozen(layers=arguments.layers) if arguments.layers else Full()
    known = {*chosen_by.text, *judged.text}
    print("| set | labels a class, or share | way | accuracy |\n| --- | --- | --- | --- |")
    for count in arguments.labels:
        for name in arguments.ways:
            way, found = WAYS[name], []
            for seed in range(arguments.draws):
                own = drawn(classes, count, seed)
                rest = np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(len(train)), own))
                texts = [train.text[row] for row in rest.tolist()[: arguments.unlabelled]]
                splits = Splits(train.select(own.tolist()), chosen_by, judged, labels, {}, "drawn")
                joined = way is not None and way.semi_supervised == "spread"
                settings = TrainingSettings(
                    epochs=arguments.spread_epochs if joined else arguments.epochs, seed=seed,
                    threads=arguments.threads,
                    early_stopping=EarlyStopping(metric="accuracy", patience=0, evaluations_per_epoch=1),
                )  # fmt: skip
                new = [text for text in dict.fromkeys(texts) if text not in known | set(splits.train.text)]
                found.append(accuracy(way, SETS[arguments.set], adaptation, splits, new, seed, settings))
            cell = f"{np.mean(found):.3f} ({min(found):.3f}–{max(found):.3f})"
            print(f"| {arguments.set} | {count:g} | {name} | {cell} |", flush=True)


if __name__ == "__main__":
    main()
