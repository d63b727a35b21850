"""Made predictions to judge: softmax scores of noise, with the true class raised."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.labels import LabelSet
from feilun.core.prediction import Decision, Prediction
from feilun.evaluation.judgement import Judgement, judge


def logits_of(rows: int, labels: int, seed: int = 0, edge: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, labels, rows)
    logits = generator.normal(size=(rows, labels))
    logits[np.arange(rows), targets] += edge
    return logits.astype(np.float32), targets


def names_of(labels: int) -> tuple[str, ...]:
    return tuple(f"标签{i}" if i % 2 else f"label {i}" for i in range(labels))


def judgement_of(
    rows: int, labels: int, seed: int = 0, edge: float = 1.5, decision: Decision | None = None
) -> Judgement:
    logits, targets = logits_of(rows, labels, seed, edge)
    names = LabelSet(names_of(labels))
    return judge((decision or Decision()).decide(logits, names.names), targets, names)


@dataclass
class Fixed:
    """A predictor that reads its logits from the row's id."""

    logits: np.ndarray
    names: tuple[str, ...]
    decision: Decision = field(default_factory=Decision)

    def predict(self, corpus: Corpus) -> list[Prediction]:
        return self.decision.decide(self.logits[[int(i) for i in corpus.id]], self.names)


def predictor_and_corpus(
    rows: int, labels: int, seed: int = 0, edge: float = 1.5, decision: Decision | None = None
) -> tuple[Fixed, Corpus]:
    logits, targets = logits_of(rows, labels, seed, edge)
    names = names_of(labels)
    generator = np.random.default_rng(seed)
    texts = ["好吃" * int(n) if n % 2 else "good " * int(n) for n in generator.integers(1, 30, rows)]
    return Fixed(logits, names, decision or Decision()), corpus_of(texts, [names[i] for i in targets])
