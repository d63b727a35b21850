"""What few labels give, with and without the unlabelled rows: a frozen base, logistic regression, labels spread.

    python benchmarks/few_labels.py --data ../shared/data [--set banking77] [--labels 5 10] [--split dev] [--draws 5]

So many rows a class are drawn from the training rows; the others are taken as unlabelled. Accuracy on dev or test of
logistic regression on the drawn rows, on these and the names of the labels, and on all rows with the labels that
`training.semi_supervised = "spread"` gives them; means over the draws with their range. A share (0.05) in place of a
number draws that part of the rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import corpus_of
from feilun.core.labels import LabelSet
from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.labelling.propagation import OWN_WEIGHT
from feilun.models.bases.catalogue import open_base
from feilun.workflow.label_spreading import embedded, named_examples, spread_over
from public_tables import texts_and_labels

SETS = {"banking77": "minilm-l6-en", "waimai_10k": "multilingual-e5-small", "tnews": "multilingual-e5-small",
        "airline_tweets": "minilm-l6-en"}  # fmt: skip


def drawn(classes: NDArray[np.int64], labels: float, seed: int) -> NDArray[np.int64]:
    """Draw so many rows of each class, or that share of all rows where it is below one."""
    random = np.random.default_rng(seed)
    if labels < 1:
        return random.permutation(len(classes))[: round(labels * len(classes))]
    return np.concatenate(
        [random.permutation(np.flatnonzero(classes == one))[: int(labels)] for one in range(classes.max() + 1)]
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=SETS, default="banking77")
    parser.add_argument("--labels", type=float, nargs="+", default=[10, 5])
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--draws", type=int, default=5)
    arguments = parser.parse_args()
    texts, targets = texts_and_labels(arguments.data / arguments.set / "train.csv")
    judged_texts, judged_targets = texts_and_labels(arguments.data / arguments.set / f"{arguments.split}.csv")
    labels = LabelSet(tuple(sorted(set(targets))))
    truth, right = labels.encode(targets), labels.encode(judged_targets)
    names = named_examples(labels)
    vectors = embedded(open_base(SETS[arguments.set]), corpus_of([*texts, *names, *judged_texts]))
    rows, examples, judged = np.split(vectors, [len(texts), len(texts) + len(names)])
    count = len(labels)
    print("| set | labels | logistic regression | and label names | labels spread | of them right |")
    print("| --- | --- | --- | --- | --- | --- |")
    for wanted in arguments.labels:
        found = []
        for seed in range(arguments.draws):
            own = drawn(truth, wanted, seed)
            rest = np.setdiff1d(np.arange(len(texts)), own)
            plain = fit_regression(rows[own], truth[own], count)
            numbers = np.arange(len(names))
            named = fit_regression(np.vstack([rows[own], examples]), np.concatenate([truth[own], numbers]), count)
            said, kept = spread_over(rows[own], truth[own], examples, rows[rest], count)
            taught = fit_regression(
                np.vstack([rows[own], rows[rest][kept]]),
                np.concatenate([truth[own], said.argmax(axis=1)[kept]]),
                count,
                np.concatenate([np.full(len(own), OWN_WEIGHT), said.max(axis=1)[kept]]),
            )
            scores = [float((model.predict(judged) == right).mean()) for model in (plain, named, taught)]
            found.append([*scores, float((said.argmax(axis=1) == truth[rest])[kept].mean())])
        cells = [f"{c.mean():.3f} ({c.min():.3f}–{c.max():.3f})" for c in np.array(found).T]
        print(f"| {arguments.set} | {wanted:g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
