"""What is in the index is found, what left it is not, and both searches agree with a plain computation."""

import math
import threading
from collections import Counter

import numpy as np
import pytest

from feilun.core.errors import UsageError
from feilun.knowledge import vectors
from feilun.knowledge.keywords import KeywordIndex
from feilun.knowledge.search import Entry, SearchIndex
from feilun.knowledge.terms import search_terms
from feilun.knowledge.vectors import VectorIndex

TEXTS = (
    "如何挂失信用卡",
    "信用卡年费是多少",
    "转账限额怎么调整",
    "How do I report a lost card?",
    "What are the transfer fees",
)


def index_of(texts=TEXTS, vectors=None):
    given = [None] * len(texts) if vectors is None else [vector[None, :] for vector in vectors]
    return SearchIndex(Entry(str(i), (text,), own) for i, (text, own) in enumerate(zip(texts, given, strict=True)))


def test_bm25_is_that_of_the_formula():
    index = KeywordIndex()
    documents = [search_terms(text) for text in TEXTS]
    index.change(dict(enumerate(documents)))
    mean = sum(map(len, documents)) / len(documents)
    query = search_terms("信用卡的年费")
    expected = {}
    for number, terms in enumerate(documents):
        counts = Counter(terms)
        score = 0.0
        for term in query:
            holding = sum(term in other for other in documents)
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            score += idf * counts[term] * 2.2 / (counts[term] + 1.2 * (0.25 + 0.75 * len(terms) / mean))
        if score:
            expected[number] = score
    assert dict(index.search(query, 10)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("exact_below", [0, 10_000])
def test_nearest_vectors_are_those_of_a_plain_product(monkeypatch, exact_below):
    monkeypatch.setattr(vectors, "EXACT_BELOW", exact_below)
    drawn = np.random.default_rng(1).standard_normal((200, 16)).astype(np.float32)
    index = VectorIndex(16)
    index.change(dict(enumerate(drawn)))
    cosines = drawn @ drawn[7] / (np.linalg.norm(drawn, axis=1) * np.linalg.norm(drawn[7]))
    found = index.search(drawn[7], 5)
    assert [number for number, _ in found] == np.argsort(-cosines)[:5].tolist()
    assert [cosine for _, cosine in found] == pytest.approx(np.sort(cosines)[::-1][:5], abs=1e-5)


def test_words_are_found_in_any_script_and_form():
    index = index_of()
    assert index.search("信用卡掛失")[0].id == "0"
    assert index.search("my card was LOST, reporting it")[0].id == "3"


def test_an_entry_counts_by_its_best_text_and_once():
    index = SearchIndex([Entry("a", ("开户", "怎么开立账户", "注册账号")), Entry("b", ("注销账号",))])
    hits = index.search("怎么注册账号")
    assert [hit.id for hit in hits] == ["a", "b"]
    assert hits[0].text == 2


def test_an_entry_is_replaced_and_removed_at_once():
    index = index_of()
    index.change(added=[Entry("0", ("存单质押贷款",))])
    assert not [hit for hit in index.search("如何挂失") if hit.id == "0"]
    assert index.search("质押")[0].id == "0"
    index.change(removed=["0", "nobody"])
    assert index.search("质押") == []
    assert len(index) == len(TEXTS) - 1
    assert "0" not in index


def test_only_allowed_entries_are_found():
    drawn = np.eye(5, 8, dtype=np.float32)
    index = index_of(vectors=drawn)
    assert {hit.id for hit in index.search("信用卡", drawn[0], allowed=["1", "2", "none"])} <= {"1", "2"}
    assert index.search("信用卡", drawn[0], allowed=[]) == []


def test_vectors_find_what_shares_no_word():
    drawn = np.eye(5, 8, dtype=np.float32)
    hits = index_of(vectors=drawn).search("nothing in common", drawn[2])
    assert hits[0].id == "2"
    assert hits[0].cosine == pytest.approx(1)
    assert hits[0].keyword == 0


def test_both_rankings_decide():
    drawn = np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32)
    index = index_of(("转账限额", "信用卡年费", "信用卡"), drawn)
    assert index.search("信用卡年费", drawn[0])[0].id == "1"  # first by words, second by meaning


def test_a_query_without_terms_finds_nothing():
    assert index_of().search("？？ 😀") == []
    assert SearchIndex().search("信用卡") == []


def test_a_vector_of_another_width_is_refused_and_changes_nothing():
    index = index_of(vectors=np.eye(5, 8, dtype=np.float32))
    with pytest.raises(UsageError, match="8 finite numbers"):
        index.change(added=[Entry("0", ("别的",), np.zeros((1, 4), np.float32))])
    assert index.search("挂失")[0].id == "0"
    with pytest.raises(UsageError, match="vectors of 8"):
        index.search("挂失", np.zeros(4, np.float32))


def test_coverage_weighs_rare_terms():
    index = index_of()
    assert index.coverage("挂失", "如何挂失信用卡") == 1
    assert index.coverage("挂失", "转账") == 0
    assert index.coverage("信用卡挂失", "信用卡") < 0.6
    assert index.coverage("", "信用卡") == 0


def test_searches_go_on_while_entries_change():
    index = index_of(vectors=np.eye(5, 8, dtype=np.float32))
    stop = threading.Event()
    faults = []

    def search():
        while not stop.is_set():
            try:
                assert any(hit.id == "1" for hit in index.search("信用卡年费", np.ones(8, np.float32)))
            except Exception as error:
                faults.append(error)
                return

    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(40):
        index.change(added=[Entry("0", (f"挂失 {turn}",), np.full((1, 8), turn, np.float32))])
    stop.set()
    for reader in readers:
        reader.join()
    assert not faults
    assert len(index) == len(TEXTS)


def test_coverage_is_the_share_of_the_weight_each_way():
    index = SearchIndex([Entry("a", ("信用卡年费",)), Entry("b", ("银行卡挂失",)), Entry("c", ("挂失",))])
    (both, none, part) = index.coverages("挂失", ["挂失", "年费", "银行卡挂失"])
    assert both == (1.0, 1.0)
    assert none == (0.0, 0.0)
    assert part[0] == 1.0
    assert 0 < part[1] < 1
    assert index.coverage("银行卡挂失", "挂失") == pytest.approx(part[1])
    assert index.coverages("", ["挂失"]) == [(0.0, 0.0)]
