"""Wrong labels found among labels of which a tenth was made wrong on purpose, and what leaving them out changes.

    python benchmarks/label_errors.py --data ../shared/data [--set banking77] [--read-by words] [--seeds 3]

The training rows of a set get another label, drawn evenly, in a tenth of the cases. The detector reads texts by the
frozen base that fits them, or by their words. Precision, recall and average precision are those of finding the
rows that were changed; what was wrong in the source counts as a false alarm. Then the same frozen base with logistic
regression is fitted on the changed rows, without those called wrong, with the suggested labels, without those that
were changed, and on the rows as they came; accuracy on the test rows.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from feilun.core.corpus import corpus_of
from feilun.core.labels import LabelSet
from feilun.data.settings import DataSettings
from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.labelling.confident_learning import Suspects, find_suspects
from feilun.labelling.folds import deal, out_of_fold
from feilun.workflow.labelling.labelled_texts import Place
from feilun.workflow.labelling.vectors import vectors_of
from public_tables import texts_and_labels

SETS = {"waimai_10k": "multilingual-e5-small", "banking77": "minilm-l6-en"}
FOLDS = 5


def flipped(given: NDArray[np.int64], classes: int, share: float, seed: int) -> NDArray[np.int64]:
    """Give a share of the rows another class, each other one alike."""
    random = np.random.default_rng(seed)
    changed = given.copy()
    rows = random.choice(len(given), round(share * len(given)), replace=False)
    changed[rows] = (changed[rows] + random.integers(1, classes, len(rows))) % classes
    return changed


def accuracy(features: Any, targets: NDArray[np.int64], test: Any, right: NDArray[np.int64]) -> float:
    """Fit on rows and return the accuracy on others."""
    model = fit_regression(features, targets, len(np.unique(targets)))
    return float((model.predict(test) == right).mean())


def detected(found: Suspects, changed: NDArray[np.bool_]) -> list[float]:
    """Return precision, recall and average precision of finding the changed rows, and the share called wrong."""
    hits = float((found.wrong & changed).sum())
    precision, recall = hits / max(found.wrong.sum(), 1), hits / changed.sum()
    return [precision, recall, float(average_precision_score(changed, -found.confidence)), float(found.wrong.mean())]


def spread(values: list[list[float]]) -> str:
    """Return means with the range, as cells of a table."""
    columns = np.array(values).T
    return " | ".join(f"{column.mean():.3f} ({column.min():.3f}–{column.max():.3f})" for column in columns)


def measure(name: str, data: Path, base: str, seeds: int, share: float) -> None:
    """Print the lines of a set."""
    texts, targets = texts_and_labels(data / name / "train.csv")
    test_texts, test_targets = texts_and_labels(data / name / "test.csv")
    labels = LabelSet(tuple(sorted(set(targets))))
    clean, right = labels.encode(targets), labels.encode(test_targets)
    rows = len(texts)
    place = Place(DataSettings(name), base, named=True)
    matrix = vectors_of(corpus_of([*texts, *test_texts]), place, len(labels)).matrix
    train, test = matrix[:rows], matrix[rows:]
    figures, gains, seconds = [], [], []
    for seed in range(seeds):
        given = flipped(clean, len(labels), share, seed)
        start = time.perf_counter()
        found = find_suspects(given, out_of_fold(train, given, deal(texts, given, FOLDS, seed)))
        seconds.append(time.perf_counter() - start)
        figures.append(detected(found, given != clean))
        kept, untouched = ~found.wrong, given == clean
        relabelled = np.where(found.wrong, found.suggested, given)
        ways = [
            (train, given),
            (train[kept], given[kept]),
            (train, relabelled),
            (train[untouched], given[untouched]),
        ]
        gains.append([accuracy(*way, test, right) for way in (*ways, (train, clean))])
    print(f"| {name} | {base} | {spread(figures)} | {np.mean(seconds):.0f} |")
    print(f"| {name} | {base} | {spread(gains)} |", flush=True)


def main() -> None:
    """Print two lines for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", action="append", choices=SETS, help="may be given again; else all")
    parser.add_argument("--read-by", help="a base, or words; else the base that fits each set")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.1)
    arguments = parser.parse_args()
    print("| set | read by | precision | recall | average precision | called wrong | seconds |\n" + "| --- " * 7 + "|")
    print("| set | read by | as changed | left out | relabelled | changed ones left out | as they came |")
    for name in arguments.set or SETS:
        measure(name, arguments.data, arguments.read_by or SETS[name], arguments.seeds, arguments.share)


if __name__ == "__main__":
    main()
