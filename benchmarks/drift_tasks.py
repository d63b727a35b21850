"""Drift in sets of labels, in predicted numbers and in columns, on real data: false alarms, and shifts found.

    python benchmarks/drift_tasks.py --data ../shared/data --replays 500

As benchmarks/drift.py does for one label: each replay draws a reference of 800 rows and a window of 200 others. Sets
are the topics of zh_car_opinion (TF-IDF, one logistic regression a topic); numbers the interest rates of
lendingclub_loans, predicted by ridge regression from 12 columns beside which no text stands. Shifted windows: the
second commonest topic 20 points more frequent; a tenth of the texts about hotels; loans of 60 months 20 points more
frequent; one of the columns not known in a tenth of the rows; incomes a fifth higher.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.features import FeatureColumns
from feilun.data.features import learn_column
from feilun.monitoring.answer_signals import watched
from feilun.monitoring.drift import drift
from feilun.monitoring.redaction import kept_rows
from feilun.monitoring.reference import make_reference
from feilun.monitoring.sample import Sample, sample_of

REFERENCE_ROWS, WINDOW_ROWS = 800, 200
ALPHAS = (0.05, 0.01)
COLUMNS = (
    "state", "homeownership", "annual_income", "verified_income", "debt_to_income", "total_credit_lines",
    "total_credit_limit", "loan_purpose", "application_type", "loan_amount", "term", "issue_month",
)  # fmt: skip

Rows = NDArray[np.int64]
Windows = Mapping[str, Callable[[Rows, np.random.Generator], Sample]]
"""By name, what draws a window of rows that the reference does not hold."""


def read(data: Path, name: str, part: str) -> list[dict[str, str]]:
    """Return the rows of a part of a data set."""
    with (data / name / f"{part}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def more_frequent(rows: Rows, own: NDArray[np.bool_], generator: np.random.Generator) -> Rows:
    """Draw a window in which some rows are 20 points more frequent."""
    many = round((own[rows].mean() + 0.2) * WINDOW_ROWS)
    chosen, others = rows[own[rows]], rows[~own[rows]]
    return np.concatenate([
        generator.choice(chosen, many, replace=len(chosen) < many), generator.choice(others, WINDOW_ROWS - many),
    ])  # fmt: skip


def topics(data: Path) -> tuple[Callable[[Rows], Sample], int, Windows]:
    """Return figures of sets of labels by rows, how many rows there are, and the windows."""

    def gathered(part: str) -> tuple[list[str], list[tuple[str, ...]]]:
        texts: dict[str, str] = {}
        found: dict[str, set[str]] = {}
        for row in read(data, "zh_car_opinion", part):
            texts[row["content_id"]] = row["text"]
            found.setdefault(row["content_id"], set()).add(row["topic"])
        return list(texts.values()), [tuple(sorted(own)) for own in found.values()]

    train, sets = gathered("train")
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    names = MultiLabelBinarizer().fit(sets)
    model = OneVsRestClassifier(LogisticRegression(C=10, max_iter=300)).fit(
        words.fit_transform(train), names.transform(sets)
    )

    def answers(texts: list[str]) -> list[dict[str, Any]]:
        probabilities = model.predict_proba(words.transform(texts))
        chosen = probabilities >= 0.4
        scores = np.where(chosen, probabilities, 1 - probabilities).prod(1)
        labels = names.inverse_transform(chosen)
        return [{"labels": list(own), "score": float(score)} for own, score in zip(labels, scores, strict=True)]

    parts = [gathered(part) for part in ("dev", "test")]
    texts, right = [text for own, _ in parts for text in own], [own for _, sets in parts for own in sets]
    said = answers(texts)
    second = sorted(names.classes_, key=lambda name: -sum(name in own for own in right))[1]
    own = np.array([second in labels for labels in right])
    hotels = [row["text"] for row in read(data, "chnsenticorp_hotel", "test")][: WINDOW_ROWS // 10]
    alien = list(zip(hotels, answers(hotels), strict=True))

    def sample(asked: list[str], answers: list[dict[str, Any]]) -> Sample:
        return sample_of(corpus_of(asked), watched(corpus_of(asked), answers).signals, np.empty(0))

    def figures(rows: Rows) -> Sample:
        return sample([texts[i] for i in rows], [said[i] for i in rows])

    def tenth(rows: Rows, _: np.random.Generator) -> Sample:
        pairs = [(texts[i], said[i]) for i in rows[: WINDOW_ROWS - len(alien)]] + alien
        return sample([text for text, _ in pairs], [one for _, one in pairs])

    return figures, len(texts), {
        "one label 20 points more frequent": lambda rows, source: figures(more_frequent(rows, own, source)),
        "a tenth of the texts about hotels": tenth,
    }  # fmt: skip


def loans(data: Path) -> tuple[Callable[[Rows], Sample], int, Windows]:
    """Return figures of numbers and columns by rows, how many rows there are, and the windows."""
    train = read(data, "lendingclub_loans", "train")
    columns = FeatureColumns(tuple(learn_column(name, [row[name] for row in train]) for name in COLUMNS))
    others = read(data, "lendingclub_loans", "dev") + read(data, "lendingclub_loans", "test")

    def corpus(rows: list[dict[str, str]]) -> Corpus:
        found = {name: [row[name] for row in rows] for name in COLUMNS}
        return kept_rows(replace(corpus_of([""] * len(rows)), features=found), columns)

    seen, pool = corpus(train), corpus(others)
    rates = np.array([float(row["interest_rate"]) for row in train])
    model = Ridge().fit(columns.matrix(seen.features, len(seen)), rates)
    long = np.array([row["term"] == "60" for row in others])

    def figures(rows: Rows, changed: Callable[[dict[str, list[Any]]], None] = lambda cells: None) -> Sample:
        cells = {name: list(column) for name, column in pool.select(rows.tolist()).features.items()}
        changed(cells)
        said = [{"value": float(rate)} for rate in model.predict(columns.matrix(cells, len(rows)))]
        asked = replace(corpus_of([""] * len(rows)), features=cells)
        return sample_of(asked, watched(asked, said).signals, np.empty(0), None, columns)

    def not_known(cells: dict[str, list[Any]]) -> None:
        cells["debt_to_income"][: WINDOW_ROWS // 10] = [None] * (WINDOW_ROWS // 10)

    def richer(cells: dict[str, list[Any]]) -> None:
        cells["annual_income"] = [None if value is None else value * 1.2 for value in cells["annual_income"]]

    return figures, len(pool), {
        "loans of 60 months 20 points more frequent": lambda rows, source: figures(more_frequent(rows, long, source)),
        "one column not known in a tenth of the rows": lambda rows, _: figures(rows[:WINDOW_ROWS], not_known),
        "incomes a fifth higher": lambda rows, _: figures(rows[:WINDOW_ROWS], richer),
    }  # fmt: skip


def rates(figures: Callable[[Rows], Sample], rows: int, shifted: Windows, replays: int) -> dict[str, list[float]]:
    """Return the share of alarms by kind of window, one figure for each alpha."""
    generator = np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    for replay in range(replays):
        order = generator.permutation(rows)
        reference = make_reference(figures(order[:REFERENCE_ROWS]), np.ones(REFERENCE_ROWS, dtype=bool))
        left = order[REFERENCE_ROWS:]
        windows = {"no shift": figures(left[:WINDOW_ROWS])}
        if replay % 5 == 0:
            windows |= {name: draw(left, generator) for name, draw in shifted.items()}
        for name, window in windows.items():
            verdict = drift(reference, window, alpha=min(ALPHAS), seed=int(generator.integers(2**31)))
            found.setdefault(name, []).append(min(signal.p_value for signal in verdict.signals))
    return {name: [float(np.mean(np.array(values) <= a)) for a in ALPHAS] for name, values in found.items()}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--replays", type=int, default=500)
    options = parser.parse_args()
    print(f"| data | window | {' | '.join(f'alarms at α = {a}' for a in ALPHAS)} |")
    print("| --- | --- | --- | --- |")
    for name, make in (
        ("zh_car_opinion, sets of topics", topics),
        ("lendingclub_loans, a number and 12 columns", loans),
    ):
        began = time.process_time()
        for kind, shares in rates(*make(options.data), options.replays).items():
            print(f"| {name} | {kind} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)
        print(f"({options.replays} replays of {name}: {time.process_time() - began:.0f} s of processor)")


if __name__ == "__main__":
    main()
