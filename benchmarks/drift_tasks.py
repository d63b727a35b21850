"""Drift in sets of labels, numbers, columns, several tasks and lists, on real data: false alarms, and shifts found.

    python benchmarks/drift_tasks.py --data ../shared/data --replays 500

As benchmarks/drift.py does for one label: each replay draws a reference of 800 rows and a window of 200 others. Sets
are the topics of zh_car_opinion (TF-IDF, one logistic regression a topic), two tasks these and the mood of the same
texts; numbers the interest rates of lendingclub_loans, predicted by ridge regression from 12 columns beside which no
text stands; lists the five questions of lcqmc that are nearest to another one by TF-IDF, with a logistic regression of
the cosine as their relevance: reference and window are of queries there. Shifted windows: the second commonest topic,
or negative texts, 20 points more frequent; a tenth of the texts about hotels; loans of 60 months 20 points more
frequent; one of the columns not known in a tenth of the rows; incomes a fifth higher; a tenth of the queries about
another business; the best candidate gone for a fifth of the queries, or for all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.rank import NAMES
from feilun.core.features import FeatureColumns
from feilun.data.features import learn_column
from feilun.monitoring.answer_signals import watched
from feilun.monitoring.drift import drift
from feilun.monitoring.redaction import kept_rows
from feilun.monitoring.reference import make_reference
from feilun.monitoring.sample import Sample, sample_of
from opinions import WORST_FIRST, Json, Opinions, Predicts, opinions
from public_tables import rows_of

REFERENCE_ROWS, WINDOW_ROWS = 800, 200
ALPHAS = (0.05, 0.01)
COLUMNS = (
    "state", "homeownership", "annual_income", "verified_income", "debt_to_income", "total_credit_lines",
    "total_credit_limit", "loan_purpose", "application_type", "loan_amount", "term", "issue_month",
)  # fmt: skip

CANDIDATES = 5

Rows = NDArray[np.int64]
Draw = Callable[[Rows, np.random.Generator], Sample]
Windows = Mapping[str, Draw]
"""By name, what draws a window of rows that the reference does not hold."""

Case = tuple[Callable[[Rows], Sample], int, Windows]
"""Figures by the rows of a pool (of lists, by queries), how many rows that has, and the windows."""


def read(data: Path, name: str, part: str) -> list[dict[str, str]]:
    """Return the rows of a part of a data set."""
    return rows_of(data / name / f"{part}.csv")


def more_frequent(rows: Rows, own: NDArray[np.bool_], generator: np.random.Generator) -> Rows:
    """Draw a window in which some rows are 20 points more frequent."""
    many = round((own[rows].mean() + 0.2) * WINDOW_ROWS)
    chosen, others = rows[own[rows]], rows[~own[rows]]
    return np.concatenate([
        generator.choice(chosen, many, replace=len(chosen) < many), generator.choice(others, WINDOW_ROWS - many),
    ])  # fmt: skip


def of_texts(asked: Sequence[str], said: Sequence[Json]) -> Sample:
    """Return figures of texts and of what was said of them."""
    rows = corpus_of(asked)
    return sample_of(rows, watched(rows, said).signals, np.empty(0))


def of_opinions(found: Opinions, predict: Predicts, raised: Mapping[str, NDArray[np.bool_]]) -> Case:
    """Return the figures of a model's answers, and windows in which some texts are more frequent, or about hotels."""
    hotels = found.hotels[: WINDOW_ROWS // 10]
    said, alien = predict(found.texts), predict(hotels)

    def figures(rows: Rows) -> Sample:
        return of_texts([found.texts[i] for i in rows], [said[i] for i in rows])

    def tenth(rows: Rows, _: np.random.Generator) -> Sample:
        own = rows[: WINDOW_ROWS - len(alien)]
        return of_texts([*(found.texts[i] for i in own), *hotels], [*(said[i] for i in own), *alien])

    def raise_(own: NDArray[np.bool_]) -> Draw:
        return lambda rows, source: figures(more_frequent(rows, own, source))

    windows = {name: raise_(own) for name, own in raised.items()}
    return figures, len(found.texts), {**windows, "a tenth of the texts about hotels": tenth}


def topics(data: Path) -> Case:
    """Sets of labels: the topics of each opinion."""
    found = opinions(data)
    return of_opinions(found, found.topics_of, {"one label 20 points more frequent": found.with_topic()})


def several(data: Path) -> Case:
    """Two tasks: the topics of each opinion, and its mood."""
    found = opinions(data)

    def both(texts: Sequence[str]) -> list[Json]:
        pairs = zip(found.topics_of(texts), found.moods_of(texts), strict=True)
        return [{"label": "", "score": 0.0, "tasks": {"topics": topics, "mood": mood}} for topics, mood in pairs]

    negative = np.array([mood == WORST_FIRST[0] for mood in found.moods])
    raised = {"one topic 20 points more frequent": found.with_topic(), "20 points more of them negative": negative}
    return of_opinions(found, both, raised)


def lists(data: Path) -> Case:
    """Candidates of a query: the five nearest of lcqmc's questions, ordered by how likely they ask the same."""
    train = read(data, "lcqmc", "train")
    ones, others = ([row[column] for row in train] for column in ("sentence1", "sentence2"))
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True).fit([*ones, *others])
    near = np.asarray(words.transform(ones).multiply(words.transform(others)).sum(1))
    model = LogisticRegression().fit(near, [row["label"] == "1" for row in train])
    index = sorted({*others})
    vectors = words.transform(index).T

    def answered(queries: Sequence[str]) -> list[list[tuple[str, float]]]:
        """Return the six nearest questions of each query with their logits, nearest first."""
        cosines = (words.transform(queries) @ vectors).toarray()
        best = np.argsort(-cosines, axis=1, kind="stable")[:, : CANDIDATES + 1]
        logits = model.decision_function(np.take_along_axis(cosines, best, 1).reshape(-1, 1)).reshape(best.shape)
        return [[(index[i], float(z)) for i, z in zip(*pair, strict=True)] for pair in zip(best, logits, strict=True)]

    queries = sorted({row["sentence1"] for part in ("dev", "test") for row in read(data, "lcqmc", part)})
    banks = sorted({row["sentence1"] for row in read(data, "bq_corpus", "dev")})[: WINDOW_ROWS // 10]
    said, alien = answered(queries), answered(banks)

    def sample(asked: Sequence[str], found: Sequence[list[tuple[str, float]]]) -> Sample:
        rows = [(query, other, z) for query, own in zip(asked, found, strict=True) for other, z in own]
        corpus = replace(corpus_of([query for query, *_ in rows]), pair=[other for _, other, _ in rows])
        looked = watched(corpus, [relevance(z) for *_, z in rows])
        return sample_of(corpus.select(looked.rows.tolist()), looked.signals, np.empty(0))

    def figures(rows: Rows, unanswered: int = 0) -> Sample:
        own = [said[i][1:] if n < unanswered else said[i][:CANDIDATES] for n, i in enumerate(rows)]
        return sample([queries[i] for i in rows], own)

    def tenth(rows: Rows, _: np.random.Generator) -> Sample:
        own = rows[: WINDOW_ROWS - len(banks)]
        found = [*(said[i][:CANDIDATES] for i in own), *(one[:CANDIDATES] for one in alien)]
        return sample([*(queries[i] for i in own), *banks], found)

    return figures, len(queries), {
        "a tenth of the queries about a bank's loans": tenth,
        "the best candidate gone for a fifth of the queries":
            lambda rows, _: figures(rows[:WINDOW_ROWS], WINDOW_ROWS // 5),
        "the best candidate gone for all queries": lambda rows, _: figures(rows[:WINDOW_ROWS], WINDOW_ROWS),
    }  # fmt: skip


def relevance(logit: float) -> Json:
    """Return a relevance as a prediction of it stands in JSON."""
    probability = 1 / (1 + np.exp(-logit))
    return {"label": NAMES[int(logit > 0)], "score": float(max(probability, 1 - probability)), "relevance": logit}


def loans(data: Path) -> Case:
    """A number, and columns beside which no text stands."""
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


CASES: Mapping[str, Callable[[Path], Case]] = {
    "zh_car_opinion, sets of topics": topics,
    "lendingclub_loans, a number and 12 columns": loans,
    "zh_car_opinion, two tasks": several,
    "lcqmc, lists of five candidates": lists,
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--replays", type=int, default=500)
    parser.add_argument("--only", default="", help="data whose name holds this")
    options = parser.parse_args()
    print(f"| data | window | {' | '.join(f'alarms at α = {a}' for a in ALPHAS)} |")
    print("| --- | --- | --- | --- |")
    for name, make in CASES.items():
        if options.only not in name:
            continue
        began = time.process_time()
        for kind, shares in rates(*make(options.data), options.replays).items():
            print(f"| {name} | {kind} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)
        print(f"({options.replays} replays of {name}: {time.process_time() - began:.0f} s of processor)")


if __name__ == "__main__":
    main()
