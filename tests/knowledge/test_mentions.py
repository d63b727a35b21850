"""What a text names, united from formats, lists and a model in one order, at its characters in any script."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.corpus import Corpus
from feilun.core.decisions.tag import TagDecision
from feilun.core.prediction import Prediction, Ranking
from feilun.core.spans import PredictedSpan
from feilun.evaluation.baselines.spans import MentionDictionary
from feilun.knowledge.mentions import Mention, Tagger, canonical, folded, united

NAMES = ("company", "person", "product")
DICTIONARY = MentionDictionary({"星野电子": "company", "Brisk Foods": "company", "启明手机": "product"}, NAMES)


def test_formats_come_before_lists_and_lists_before_the_model_whatever_is_longer() -> None:
    number = Mention(3, 9, "order_number", "123456", "format")
    listed = Mention(8, 14, "product", "青禾卡", "list")
    beside = Mention(20, 24, "product", "云贷", "list")
    longer = Mention(18, 30, "company", "青禾", "model")
    free = Mention(30, 33, "person", "李明", "model")
    assert united([number], [beside, listed], [longer, free]) == [number, beside, free]
    assert united([number], [], [longer, free]) == [number, longer, free]


def test_of_one_rank_the_longest_stays_and_then_the_first() -> None:
    short, long = Mention(0, 2, "company", "青禾"), Mention(0, 4, "company", "青禾汽车")
    assert united([short, long]) == [long]
    first, second = Mention(0, 3, "company", "a"), Mention(2, 5, "company", "b")
    assert united([second, first]) == [first]


def test_touching_mentions_both_stay() -> None:
    assert len(united([Mention(0, 2, "company", "a")], [Mention(2, 4, "company", "b", "model")])) == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("👍🏽星野電子发布启明手机", ["星野電子", "启明手机"]),
        ("🙂 Ｂｒｉｓｋ　Foods 与星野电子", ["Ｂｒｉｓｋ　Foods", "星野电子"]),
        ("没有谁", []),
    ],
)
def test_a_model_finds_names_at_their_characters_in_either_script_and_width(text: str, named: list[str]) -> None:
    (found,) = Tagger(DICTIONARY, NAMES).read([text])
    assert [text[one.start : one.end] for one in found] == named
    assert all(one.by == "model" for one in found)
    assert {one.name for one in found} <= {"星野电子", "Brisk Foods", "启明手机"}


@given(st.text(alphabet=st.sampled_from("星野電子乾著Ａｂ１　。．İß👍🏽 \n후麵"), max_size=30))
def test_folding_leaves_each_character_at_its_place(text: str) -> None:
    assert len(folded(text)) == len(text)


class Unsure:
    """A model of known scores."""

    decision = TagDecision(sure_from=(("company", 0.6),))

    def predict(self, corpus: Corpus) -> list[Prediction]:
        ranked = Ranking(NAMES, np.zeros(3, np.float32))
        spans = (PredictedSpan(0, 4, "company", "", 0.59), PredictedSpan(4, 8, "company", "", 0.61),
                 PredictedSpan(8, 10, "person", "", 0.1), PredictedSpan(10, 12, "address", "", 0.99))  # fmt: skip
        return [Prediction("", 1.0, ranked, spans=spans) for _ in corpus.text]


def test_spans_count_from_the_scores_on_that_the_bundle_names() -> None:
    (found,) = Tagger(Unsure(), NAMES).read(["甲甲甲甲乙乙乙乙丙丙丁丁"])
    assert [(one.start, one.label) for one in found] == [(4, "company"), (8, "person")]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("《啟明手機》", "启明手机"),
        ("星野电子股份有限公司", "星野电子"),
        ("Brisk  Foods, Inc.", "Brisk Foods"),
        ("Ｂｒｉｓｋ Foods Co., Ltd", "Brisk Foods"),
        ("有限公司", "有限公司"),
        ("“”", ""),
    ],
)
def test_a_name_is_kept_without_script_width_quotes_and_legal_form(said: str, name: str) -> None:
    assert canonical(said) == name
