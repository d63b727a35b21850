"""A new topic is found by its words beside a model that does not know it, and then by a model of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from feilun.apps.public_opinion.corrected import Corrected
from feilun.apps.public_opinion.readers import NO, YES, Apart, WithNewTopics
from feilun.apps.public_opinion.scheme import Scheme, Topic
from feilun.apps.public_opinion.wording import WordingRules
from feilun.core.corpus import Corpus
from feilun.core.errors import DataError
from feilun.core.prediction import Prediction, Ranking
from feilun.workflow.applications.public_opinion.labelled import labelled_rows
from feilun.workflow.applications.public_opinion.new_topic import FEWEST, OTHERS, _chosen

SCHEME = Scheme((Topic("chips", words=("芯片",)), Topic("recall", words=("召回",)), Topic("price", words=("涨价",))))


class Trained:
    """Knows `recall` alone, and says so of texts with a defect."""

    def predict(self, corpus: Corpus) -> list[Prediction]:
        held = [("recall",) if "缺陷" in text else () for text in corpus.text]
        return [Prediction("", 1.0, Ranking(("recall",), np.ones(1, np.float32)), labels=one) for one in held]


class OfChips:
    """Says whether a text is about chips."""

    def predict(self, corpus: Corpus) -> list[Prediction]:
        ranking = Ranking((NO, YES), np.ones(2, np.float32))
        return [Prediction(YES if "晶圆" in text else NO, 1.0, ranking) for text in corpus.text]


@pytest.mark.parametrize(
    ("own", "topics"),
    [
        ({}, [("chips", "price"), ("recall",), ()]),
        ({"chips": OfChips()}, [("price",), ("recall",), ("chips",)]),
    ],
)
def test_words_find_what_no_model_knows_and_a_models_word_stands(
    own: dict[str, OfChips], topics: list[tuple[str, ...]]
) -> None:
    reader = WithNewTopics(Apart(WordingRules(), Trained()), SCHEME, own)
    texts = ["芯片涨价，召回一词不算", "存在缺陷", "晶圆厂扩产"]
    read = reader.read(texts, ["股价大涨"])
    assert [one.labels for one in read.topics] == topics
    assert [one.label for one in read.topics] == [", ".join(one) for one in topics]
    assert len(read.sentiments) == 4


def test_few_texts_are_balanced_and_corrections_count_as_labels(tmp_path: Path) -> None:
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [(f"召回第{i}批", "negative", json.dumps(["recall"])) for i in range(100)]
        rows += [(f"芯片第{i}代", "neutral", json.dumps(["chips"])) for i in range(FEWEST - 1)]
        csv.writer(file).writerows([("text", "sentiment", "topics"), *rows])
    few = labelled_rows(tmp_path / "labels.csv", Corrected({}, {}))
    with pytest.raises(DataError, match=r"9 labelled texts are about 'chips' and 100 are not; at least 10"):
        _chosen(few, "chips")
    enough = labelled_rows(tmp_path / "labels.csv", Corrected({}, {"晶圆厂扩产": ["chips"], "召回第0批": []}))
    chosen = dict(_chosen(enough, "chips"))
    assert sum(label == YES for label in chosen.values()) == FEWEST
    assert sum(label == NO for label in chosen.values()) == OTHERS * FEWEST
    assert chosen["晶圆厂扩产"] == YES
    with pytest.raises(DataError, match="at least 10"):
        _chosen(labelled_rows(None, Corrected({}, {"晶圆厂扩产": ["chips"]})), "chips")
