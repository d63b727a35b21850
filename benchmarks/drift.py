"""Drift detection on real data: false alarms without a shift, and shifts found.

    python benchmarks/drift.py --data ../shared/data --replays 1000

The model is TF-IDF with logistic regression, its states the truncated SVD of TF-IDF: cheap, and real. It learns from
train; dev and test together are the pool. Each replay draws a reference of 800 rows and a window of 200 others. In the
second column of false alarms one reference is kept for all replays, as a bundle has one for life. Shifted windows:
the share of one class raised by 20 points; every text of another data set; a tenth of such texts; and, to show what
cannot be seen, right labels turned round while the texts stay (the window is the same, so are the alarms).
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from feilun.core.corpus import corpus_of
from feilun.monitoring.answer_signals import watched
from feilun.monitoring.drift import drift
from feilun.monitoring.redaction import kept
from feilun.monitoring.reference import Reference, make_reference
from feilun.monitoring.sample import Sample, sample_of
from feilun.monitoring.signals import Categories, Numbers, Values

REFERENCE_ROWS, WINDOW_ROWS = 800, 200
RAISED = 0.2
CASES = (("waimai_10k", "chnsenticorp_hotel"), ("thucnews_titles", "tnews"), ("banking77", "airline_tweets"))
"""A data set, and one of other texts in its language."""


@dataclass(frozen=True)
class Pool:
    """Figures of predictions, the right labels, and figures of predictions on other texts."""

    sample: Sample
    right: NDArray[np.str_]
    other: Sample

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Return whether each prediction is right, shape (rows,)."""
        return np.asarray(self.sample.signals["labels"].values) == self.right


def read(folder: Path, parts: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return texts and labels of parts of a data set."""
    texts, labels = [], []
    for part in parts:
        with (folder / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                texts.append(kept(row["text"]))
                labels.append(row["label"])
    return texts, labels


def make_pool(data: Path, name: str, other: str) -> Pool:
    """Train the model on train and let it predict the other rows."""
    texts, labels = read(data / name, ("train",))
    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), min_df=2, sublinear_tf=True, max_features=50_000)
    seen = words.fit_transform(texts)
    model = LogisticRegression(C=10, max_iter=300).fit(seen, labels)
    reduced = TruncatedSVD(64, random_state=0).fit(seen)
    characters = set("".join(texts))

    def figures(texts: list[str]) -> Sample:
        vectors = words.transform(texts)
        probabilities = model.predict_proba(vectors)
        unknown = np.array([sum(c not in characters for c in text) / max(1, len(text)) for text in texts])
        states = reduced.transform(vectors).astype(np.float32)
        said = zip(model.classes_[probabilities.argmax(1)], probabilities.max(1), strict=True)
        answers = [{"label": str(label), "score": float(score)} for label, score in said]
        return sample_of(corpus_of(texts), watched(corpus_of(texts), answers).signals, unknown, states)

    texts, labels = read(data / name, ("dev", "test"))
    return Pool(figures(texts), np.asarray(labels), figures(read(data / other, ("dev", "test"))[0][:2000]))


def parts(pool: Pool, generator: np.random.Generator) -> tuple[Reference, NDArray[np.int64]]:
    """Draw a reference, and return the rows that are left."""
    order = generator.permutation(len(pool.sample))
    first = order[:REFERENCE_ROWS]
    return make_reference(pool.sample.select(first), pool.correct[first]), order[REFERENCE_ROWS:]


def shifted_rows(pool: Pool, rows: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw a window in which the most frequent class but one has 20 points more of the rows."""
    names, counts = np.unique(pool.right, return_counts=True)
    name = names[np.argsort(-counts)[1]]
    share = float((pool.right == name).mean()) + RAISED
    of_class, others = rows[pool.right[rows] == name], rows[pool.right[rows] != name]
    many = round(share * WINDOW_ROWS)
    replace = len(of_class) < many
    return np.concatenate([
        generator.choice(of_class, many, replace=replace), generator.choice(others, WINDOW_ROWS - many, replace=False)
    ])  # fmt: skip


def join(first: Sample, second: Sample) -> Sample:
    """Put two samples behind one another."""
    assert first.states is not None
    assert second.states is not None
    signals: dict[str, Values] = {}
    for name, one in first.signals.items():
        other = second.signals[name]
        if isinstance(one, Categories) and isinstance(other, Categories):
            signals[name] = Categories(one.values + other.values)
        elif isinstance(one, Numbers) and isinstance(other, Numbers):
            signals[name] = Numbers(np.concatenate([one.values, other.values]))
    return Sample(len(first) + len(second), signals, np.concatenate([first.states, second.states]))


def with_reduced(reference: Reference, window: Sample) -> Sample:
    """Return a window with its states reduced as the reference's are."""
    assert window.states is not None
    return replace(window, states=reference.reduce(window.states))


def rates(pool: Pool, replays: int, alphas: tuple[float, ...], seed: int = 0) -> dict[str, list[float]]:
    """Return the share of alarms by kind of window, one figure for each alpha."""
    generator = np.random.default_rng(seed)
    fixed, fixed_rows = parts(pool, generator)
    found: dict[str, list[float]] = {}
    for replay in range(replays):
        reference, rows = parts(pool, generator)
        alien = pool.other.select(generator.choice(len(pool.other), WINDOW_ROWS, replace=False))
        tenth = join(
            pool.sample.select(rows[WINDOW_ROWS // 10 : WINDOW_ROWS]),
            alien.select(np.arange(WINDOW_ROWS // 10)),
        )
        windows = {
            "no shift": (reference, pool.sample.select(rows[:WINDOW_ROWS])),
            "no shift, one reference": (
                fixed, pool.sample.select(generator.choice(fixed_rows, WINDOW_ROWS, replace=False))
            ),
            "one class +20 points": (reference, pool.sample.select(shifted_rows(pool, rows, generator))),
            "a tenth other texts": (reference, tenth),
            "other texts": (reference, alien),
        }  # fmt: skip
        for kind, (against, window) in windows.items():
            if replay % 5 and not kind.startswith("no shift"):
                continue  # a share of 0.8 needs fewer replays than one of 0.01
            verdict = drift(against, with_reduced(against, window), alpha=0.05, seed=int(generator.integers(2**31)))
            found.setdefault(kind, []).append(min(signal.p_value for signal in verdict.signals))
    return {kind: [float(np.mean(np.array(values) <= a)) for a in alphas] for kind, values in found.items()}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--replays", type=int, default=1000)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    alphas = (0.05, 0.01)
    print(f"| data | window | {' | '.join(f'alarms at α = {a}' for a in alphas)} |")
    print("| --- | --- | --- | --- |")
    for name, other in CASES:
        if options.only and name not in options.only:
            continue
        began = time.perf_counter()
        for kind, shares in rates(make_pool(options.data, name, other), options.replays, alphas).items():
            print(f"| {name} | {kind} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)
        print(f"({options.replays} replays of {name}: {time.perf_counter() - began:.0f} s)")


if __name__ == "__main__":
    main()
