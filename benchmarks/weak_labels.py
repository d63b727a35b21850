"""Labels by rules: the label model beside majority vote, and what a classifier learns from either.

    python benchmarks/weak_labels.py --data ../shared/data [--set waimai_10k] [--downstream]

The rules are in benchmarks/rules. Both label the training rows, which no rule saw labelled; accuracy and macro-F1 are
over the rows of which a rule speaks, where majority vote breaks ties by the label that it gives most often. With
--downstream the frozen base with logistic regression is fitted on these labels, and on so many true ones drawn at
random (three seeds), and judged on the test rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from feilun.core.corpus import corpus_of
from feilun.data.settings import DataSettings
from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.labelling.label_model import fit_label_model
from feilun.labelling.rules import read_rules, votes
from feilun.workflow.labelling.labelled_texts import Place
from feilun.workflow.labelling.vectors import vectors_of
from public_tables import texts_and_labels

SETS = {"airline_tweets": "minilm-l6-en", "waimai_10k": "multilingual-e5-small"}
TRUE_LABELS = (100, 300, 1000)
SEEDS = 3


def majority_vote(votes: NDArray[np.bool_], classes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the class that most rules name for each text, shape (texts,); -1 where none speaks or two tie."""
    counts = votes.astype(np.int64) @ np.eye(count, dtype=np.int64)[classes]  # (texts, classes)
    best = counts.max(axis=1)
    decided = (best > 0) & ((counts == best[:, None]).sum(axis=1) == 1)
    return np.where(decided, counts.argmax(axis=1), -1)


def line(name: str, said: NDArray[np.int64], right: NDArray[np.int64]) -> None:
    """Print accuracy and macro-F1."""
    print(f"| {name} | {(said == right).mean():.3f} | {f1_score(right, said, average='macro'):.3f} |", flush=True)


def downstream(name: str, data: Path, texts: list[str], weak: dict[str, NDArray[np.int64]], truth: NDArray[np.int64],
               labels: tuple[str, ...]) -> None:  # fmt: skip
    """Print what a classifier learns from each kind of label."""
    test_texts, test_targets = texts_and_labels(data / name / "test.csv")
    right = np.array([labels.index(target) for target in test_targets])
    place = Place(DataSettings(name), SETS[name], named=True)
    matrix = vectors_of(corpus_of([*texts, *test_texts]), place, len(labels)).matrix
    train, test = matrix[: len(texts)], matrix[len(texts) :]
    for way, said in weak.items():
        rows = said >= 0
        model = fit_regression(train[rows], said[rows], len(labels))
        line(f"{name}: learnt from {way}, {rows.sum():,} rows", model.predict(test), right)
    for count in (*TRUE_LABELS, len(texts)):
        found = []
        for seed in range(SEEDS if count < len(texts) else 1):
            rows = np.random.default_rng(seed).choice(len(texts), count, replace=False)
            said = fit_regression(train[rows], truth[rows], len(labels)).predict(test)
            found.append(((said == right).mean(), f1_score(right, said, average="macro")))
        mean = np.mean(found, axis=0)
        print(f"| {name}: learnt from {count:,} true labels | {mean[0]:.3f} | {mean[1]:.3f} |", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", action="append", choices=SETS)
    parser.add_argument("--downstream", action="store_true")
    arguments = parser.parse_args()
    print("| labels | accuracy | macro-F1 |\n| --- | --- | --- |")
    for name in arguments.set or SETS:
        file = read_rules(Path(__file__).parent / "rules" / f"{name}.toml")
        labels = file.labels
        texts, targets = texts_and_labels(arguments.data / name / "train.csv")
        truth = np.array([labels.index(target) for target in targets])
        found = votes(list(file.rules.values()), texts)
        classes = np.array([labels.index(rule.label) for rule in file.rules.values()])
        covered = found.any(axis=1)
        voted = majority_vote(found, classes, len(labels))
        commonest = int(np.bincount(voted[voted >= 0]).argmax())
        ties = covered & (voted < 0)
        model = fit_label_model(found, classes, len(labels))
        learnt = np.where(covered, model.probabilities(found).argmax(axis=1), -1)
        print(f"| {name}: {len(classes)} rules speak of {covered.mean():.1%}, of them {ties.sum() / covered.sum():.1%} "
              "are ties | | |")  # fmt: skip
        line(f"{name}: majority vote", np.where(ties, commonest, voted)[covered], truth[covered])
        line(f"{name}: label model", learnt[covered], truth[covered])
        if arguments.downstream:
            downstream(name, arguments.data, texts, {"majority vote": voted, "the label model": learnt}, truth, labels)


if __name__ == "__main__":
    main()
