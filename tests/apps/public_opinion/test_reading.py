"""Whom a text names, what the wording means, and how each company fares in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.public_opinion.made import GAZETTEER, NOW, understanding
from feilun.apps.public_opinion.document import parse
from feilun.apps.public_opinion.gazetteer import Entity, Gazetteer, read_gazetteer
from feilun.apps.public_opinion.sample.writer import ENTITIES, write_sample
from feilun.apps.public_opinion.scheme import read_scheme
from feilun.apps.public_opinion.wording import WordingRules
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import DataError, RecipeError
from feilun.core.prediction import Prediction


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("青禾汽车与QINGHE AUTO是一家", ["青禾汽车", "青禾汽车"]),
        ("青禾茶馆开业", []),
        ("青禾的新车", ["青禾汽车"]),
        ("the lender Northlake", ["Northlake Bank"]),
        ("walk to Northlake", []),
        ("Northlakeside lender", []),
        ("CAT rose, my cat slept", ["Northlake Bank"]),
    ],
)
def test_names_aliases_codes_and_context(text: str, named: list[str]) -> None:
    found = GAZETTEER.find(text)
    assert [mention.name for mention in found] == named
    assert all(0 <= mention.start < mention.end <= len(text) for mention in found)


def test_places_stand_for_characters_whose_lower_case_is_longer() -> None:
    found = GAZETTEER.find("İİ 青禾汽车")
    assert (found[0].start, found[0].end) == (3, 7)


def test_a_name_of_two_is_refused_and_faults_come_together(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="stands for A and B"):
        Gazetteer([Entity("A", aliases=("x",)), Entity("B", aliases=("x",))])
    path = tmp_path / "e.toml"
    path.write_text('[[entity]]\nname = 3\n[[entity]]\nnam = "a"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"(?s)entity 1:.*entity 2: unknown key 'nam'"):
        read_gazetteer(path)
    assert len(read_gazetteer(ENTITIES).entities) == 10


def test_topics_by_words_are_whole_latin_words() -> None:
    scheme = read_scheme()
    assert len(scheme.topics) >= 20
    said = scheme.predict(corpus_of(["公司被起诉并召回产品", "The court dismissed it", "courtship and finesse"]))
    assert [prediction.labels for prediction in said] == [("lawsuit", "quality"), ("lawsuit",), ()]


def test_one_pass_finds_the_topics_whose_words_a_text_holds() -> None:
    scheme = read_scheme()
    texts = [f"{one.title}\n{one.body}" for one in write_sample()[::4]]
    texts += ["Revenue-Sharing", "xrevenue", "revenues2", "网络netprofit", "NET PROFIT净利润", "İİ earnings", ""]
    held = [
        tuple(topic.name for topic in scheme.topics if topic.pattern and topic.pattern.search(text)) for text in texts
    ]
    assert [one.labels for one in scheme.predict(corpus_of(texts))] == held
    assert len(set(held)) > 20


def test_two_companies_in_one_sentence() -> None:
    text = "青禾汽车因缺陷召回新车，股价下滑；而Northlake Bank净利润大增。"
    said = understanding().read([parse({"text": text, "time": "2026-11-24"}, "x", NOW)])[0]
    assert dict(said.entities) == {"青禾汽车": "negative", "Northlake Bank": "positive"}
    assert said.evidence in text


def test_the_model_decides_where_no_firm_phrase_does() -> None:
    class Always:
        def predict(self, corpus: Corpus) -> list[Prediction]:
            return WordingRules().predict(corpus_of(["大涨"] * len(corpus)))

    said = WordingRules(Always()).predict(corpus_of(["公司亏损收窄", "股东拟减持", "公司公告"]))
    assert [one.label for one in said] == ["positive", "negative", "positive"]
