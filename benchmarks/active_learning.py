"""What a label gains when it is chosen, against one that is drawn: accuracy by the number of labels.

    python benchmarks/active_learning.py --data ../shared/data [--set banking77] [--split dev] [--seeds 5]

From the training rows, taken as unlabelled, the first labels are drawn at random; then a batch is chosen by each way of
`feilun label suggest` from what a classifier on the labels so far says, and labelled with the truth. The classifier is
logistic regression on the frozen base; seeds draw the first labels, the same for every way. Figures are accuracies on
dev or test, means over the seeds, and the labels that each way needs for what random drawing ends with.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import corpus_of
from feilun.core.labels import LabelSet
from feilun.data.settings import DataSettings
from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.labelling.selection import select
from feilun.labelling.ways import WAYS
from feilun.workflow.labelling.labelled_texts import Place
from feilun.workflow.labelling.vectors import vectors_of
from public_tables import texts_and_labels

SETS = {"banking77": "minilm-l6-en", "waimai_10k": "multilingual-e5-small", "airline_tweets": "minilm-l6-en"}
RANDOM = "random"


def curve(
    way: str, pool: NDArray[np.float32], truth: NDArray[np.int64], judged: tuple[Any, Any], steps: list[int], seed: int
) -> list[float]:
    """Return the accuracy after each number of labels.

    Args:
        way: How labels are chosen after the first ones.
        pool: Vectors of the rows to choose from, shape (rows, width).
        truth: Their classes, shape (rows,).
        judged: Vectors and classes of the rows to judge by.
        steps: Numbers of labels, growing.
        seed: Draws the first labels.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(pool))
    known = order[: steps[0]]
    found = []
    for now, later in zip(steps, [*steps[1:], 0], strict=True):
        model = fit_regression(pool[known], truth[known], int(truth.max()) + 1)
        found.append(float((model.predict(judged[0]) == judged[1]).mean()))
        if later == 0:
            break
        left = np.setdiff1d(order, known, assume_unique=True)
        if way == RANDOM:
            chosen = order[now:later]
        else:
            probabilities = model.predict_proba(pool[left])
            chosen = left[select(way, later - now, pool[left], pool[known], probabilities, seed)]  # type: ignore[arg-type]
        known = np.concatenate([known, chosen])
    return found


def needed(steps: list[int], curve: NDArray[np.float64], reached: float) -> str:
    """Return how many labels a way needs for an accuracy, between the steps by straight lines."""
    rising = np.maximum.accumulate(curve)
    return f"{np.interp(reached, rising, steps):.0f}" if reached <= rising[-1] else f"more than {steps[-1]}"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=SETS, default="banking77")
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=100, help="labels drawn at random")
    parser.add_argument("--batch", type=int, default=100, help="labels chosen at a time")
    parser.add_argument("--batches", type=int, default=9)
    arguments = parser.parse_args()
    texts, targets = texts_and_labels(arguments.data / arguments.set / "train.csv")
    judged_texts, judged_targets = texts_and_labels(arguments.data / arguments.set / f"{arguments.split}.csv")
    labels = LabelSet(tuple(sorted(set(targets))))
    place = Place(DataSettings(arguments.set), SETS[arguments.set], named=True)
    matrix = vectors_of(corpus_of([*texts, *judged_texts]), place, len(labels)).matrix
    truth, right = labels.encode(targets), labels.encode(judged_targets)
    judged = (matrix[len(texts) :], right)
    steps = [arguments.first + arguments.batch * i for i in range(arguments.batches + 1)]
    shown = sorted({0, len(steps) // 4, len(steps) // 2, len(steps) - 1})
    print(f"| chosen by | {' | '.join(f'{steps[i]} labels' for i in shown)} | range at the end | mean of the curve "
          "| labels for what random ends with |")  # fmt: skip
    print("| --- " * (len(shown) + 4) + "|")
    means: dict[str, NDArray[np.float64]] = {}
    for way in (RANDOM, *WAYS):
        curves = np.array([curve(way, matrix[: len(texts)], truth, judged, steps, s) for s in range(arguments.seeds)])
        means[way] = curves.mean(axis=0)
        cells = " | ".join(f"{means[way][i]:.3f}" for i in shown)
        spread = f"{curves[:, -1].min():.3f}–{curves[:, -1].max():.3f}"
        last = needed(steps, means[way], means[RANDOM][-1])
        print(f"| {way} | {cells} | {spread} | {means[way].mean():.3f} | {last} |", flush=True)


if __name__ == "__main__":
    main()
