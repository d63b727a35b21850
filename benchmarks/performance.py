"""Accuracy estimated without labels, against the truth: train on one review domain, watch others.

    python benchmarks/performance.py --data ../shared/data [--bundle NAME]

Without --bundle the model is TF-IDF with logistic regression, trained on hotel reviews; its temperature is fitted on
their dev rows, which are the reference. With --bundle it is that bundle (labels negative and positive), and the
reference its answers on the hotel dev rows. Watched: hotel test, food delivery, and each category of online shopping.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from feilun.bundles.bundle import open_bundle
from feilun.core.corpus import corpus_of
from feilun.core.prediction import Decision
from feilun.evaluation.calibration import fit_temperature
from feilun.monitoring.performance import (
    average_thresholded_confidence,
    difference_of_confidences,
)

Answers = tuple[NDArray[np.float64], NDArray[np.bool_]]
Answer = Callable[[list[str], NDArray[np.str_]], Answers]
NAMES = {"0": "negative", "1": "positive"}
FEWEST = 60


def read(path: Path, column: str | None = None) -> dict[str, tuple[list[str], NDArray[np.str_]]]:
    """Return texts and labels of a table, by the value of a column where one is given."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row[column] if column else path.parent.name].append((row["text"], NAMES[row["label"]]))
    return {name: ([t for t, _ in rows], np.array([label for _, label in rows])) for name, rows in found.items()}


def linear_model(data: Path) -> Answer:
    """Train the cheap model on hotel reviews and calibrate it on their dev rows."""
    ((texts, labels),) = read(data / "chnsenticorp_hotel" / "train.csv").values()
    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), min_df=2, sublinear_tf=True, max_features=50_000)
    model = LogisticRegression(C=10, max_iter=300).fit(words.fit_transform(texts), labels)

    def logits(texts: list[str]) -> NDArray[np.float32]:
        margins = model.decision_function(words.transform(texts))
        return np.stack([np.zeros_like(margins), margins], axis=1).astype(np.float32)  # (rows, 2)

    ((texts, labels),) = read(data / "chnsenticorp_hotel" / "dev.csv").values()
    temperature = fit_temperature(logits(texts), np.searchsorted(model.classes_, labels))

    def answer(texts: list[str], right: NDArray[np.str_]) -> Answers:
        probabilities = Decision(temperature=temperature).probabilities(logits(texts))
        return probabilities.max(1).astype(np.float64), model.classes_[probabilities.argmax(1)] == right

    return answer


def bundle_model(name: str) -> Answer:
    """Return what a bundle answers."""
    bundle = open_bundle(name, threads=1)

    def answer(texts: list[str], right: NDArray[np.str_]) -> Answers:
        predictions = bundle.predict(corpus_of(texts))
        correct = np.array([one.label for one in predictions]) == right
        return np.array([one.score for one in predictions]), correct

    return answer


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bundle")
    parser.add_argument("--rows", type=int, default=600, help="most rows of a domain")
    options = parser.parse_args()
    answer = bundle_model(options.bundle) if options.bundle else linear_model(options.data)
    folder = options.data / "chnsenticorp_hotel"
    ((texts, right),) = read(folder / "dev.csv").values()
    known, correct = answer(texts[: options.rows], right[: options.rows])
    domains = {
        **read(folder / "test.csv"),
        **read(options.data / "waimai_10k" / "test.csv"),
        **read(options.data / "online_shopping_10_cats" / "test.csv", "category"),
    }
    ways: dict[str, Callable[[NDArray[np.float64]], float]] = {
        "mean confidence": lambda scores: float(scores.mean()),
        "difference of confidences": lambda scores: difference_of_confidences(known, correct, scores),
        "thresholded confidence": lambda scores: average_thresholded_confidence(known, correct, scores),
        "as on the reference": lambda _: float(correct.mean()),
    }
    print(f"| domain | n | truth | {' | '.join(ways)} |")
    print("| --- " * (3 + len(ways)) + "|")
    errors: dict[str, list[float]] = defaultdict(list)
    for domain, (texts, right) in domains.items():
        if len(texts) < FEWEST:
            continue
        scores, hits = answer(texts[: options.rows], right[: options.rows])
        estimates = {way: estimate(scores) for way, estimate in ways.items()}
        for way, estimate in estimates.items():
            errors[way].append(abs(estimate - hits.mean()))
        print(
            f"| {domain} | {len(scores)} | {hits.mean():.3f} | {' | '.join(f'{e:.3f}' for e in estimates.values())} |"
        )
    print(f"| mean error | | | {' | '.join(f'{np.mean(e):.3f}' for e in errors.values())} |")
    print(f"| largest error | | | {' | '.join(f'{np.max(e):.3f}' for e in errors.values())} |")


if __name__ == "__main__":
    main()
