"""Opinions of cars, and models of their topics and moods: zh_car_opinion, with texts about hotels beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from public_tables import rows_of

WORST_FIRST = ("negative", "positive", "neutral")

Json = dict[str, Any]
Predicts = Callable[[Sequence[str]], list[Json]]


@dataclass(frozen=True)
class Opinions:
    """What was said of cars, what models say of it, and texts about hotels.

    Args:
        texts: The texts of dev and test.
        topics: The topics of each.
        moods: What is felt in each: something bad, else something good, else nothing.
        topics_of: Predicts the topics of texts, in the public JSON form.
        moods_of: Predicts their moods.
        hotels: Texts about hotels.
    """

    texts: list[str]
    topics: list[tuple[str, ...]]
    moods: list[str]
    topics_of: Predicts
    moods_of: Predicts
    hotels: list[str]

    def with_topic(self) -> NDArray[np.bool_]:
        """Return which texts are about the second commonest topic."""
        counts = Counter(name for own in self.topics for name in own)
        name = counts.most_common(2)[1][0]
        return np.array([name in own for own in self.topics])


def opinions(data: Path) -> Opinions:
    """Train on train.csv: TF-IDF, a logistic regression a topic, and one of the moods."""
    train, sets, moods = _gathered(data, "train")
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    seen, names = words.fit_transform(train), MultiLabelBinarizer().fit(sets)
    by_topic = OneVsRestClassifier(LogisticRegression(C=10, max_iter=300)).fit(seen, names.transform(sets))
    by_mood = LogisticRegression(C=10, max_iter=300).fit(seen, moods)

    def topics_of(texts: Sequence[str]) -> list[Json]:
        probabilities = by_topic.predict_proba(words.transform(texts))
        chosen = probabilities >= 0.4
        scores = np.where(chosen, probabilities, 1 - probabilities).prod(1)
        labels = names.inverse_transform(chosen)
        return [{"labels": list(own), "score": float(score)} for own, score in zip(labels, scores, strict=True)]

    def moods_of(texts: Sequence[str]) -> list[Json]:
        probabilities = by_mood.predict_proba(words.transform(texts))
        chosen = by_mood.classes_[probabilities.argmax(1)]
        return [{"label": str(own), "score": float(p)} for own, p in zip(chosen, probabilities.max(1), strict=True)]

    dev, test = (_gathered(data, part) for part in ("dev", "test"))
    hotels = [row["text"] for row in rows_of(data / "chnsenticorp_hotel" / "test.csv")]
    return Opinions(dev[0] + test[0], dev[1] + test[1], dev[2] + test[2], topics_of, moods_of, hotels)


def _gathered(data: Path, part: str) -> tuple[list[str], list[tuple[str, ...]], list[str]]:
    """Return texts, topics and moods of a part, whose rows are a topic of a text each."""
    texts: dict[str, str] = {}
    topics: dict[str, set[str]] = {}
    moods: dict[str, str] = {}
    for row in rows_of(data / "zh_car_opinion" / f"{part}.csv"):
        name, mood = row["content_id"], row["label"]
        texts[name] = row["text"]
        topics.setdefault(name, set()).add(row["topic"])
        moods[name] = min(mood, moods.get(name, mood), key=WORST_FIRST.index)
    return list(texts.values()), [tuple(sorted(own)) for own in topics.values()], list(moods.values())
