import numpy as np
import pytest

from feilun.knowledge.outliers import strangeness
from feilun.knowledge.topics import find_topics, read_phrases

SUBJECTS = {
    "ship": ["parcel", "courier", "shipping", "warehouse", "delivery", "arrived"],
    "taste": ["coffee", "flavour", "roasted", "bitter", "aroma", "cup"],
    "screen": ["screen", "pixel", "brightness", "display", "colours", "flicker"],
}
中文 = {
    "房": ["房间", "前台", "入住", "早餐", "酒店", "服务员"],
    "书": ["作者", "故事", "小说", "情节", "文笔", "章节"],
    "车": ["油耗", "发动机", "变速箱", "轮胎", "底盘", "刹车"],
}


def written(subjects, rows, joint):
    draw = np.random.default_rng(5)
    texts, truth = [], []
    for row in range(rows):
        name = list(subjects)[row % len(subjects)]
        texts.append(joint.join(draw.choice(subjects[name], 4, replace=False)))
        truth.append(name)
    return texts, truth


def check(subjects, joint):
    texts, truth = written(subjects, 180, joint)
    found = find_topics(read_phrases(texts), count=3)
    assert [topic.texts for topic in found.found] == [60, 60, 60]
    for topic in found.found:
        (name,) = {truth[row] for row in np.flatnonzero(found.topic_of == topic.number)}
        assert {truth[row] for row in topic.typical} == {name}
        assert any(word in topic.title for word in subjects[name])


def test_topics_of_english_texts():
    check(SUBJECTS, " and ")


def test_topics_of_chinese_texts():
    check(中文, "，")


def test_the_number_of_topics_is_chosen_and_the_same_each_time():
    texts, _ = written(SUBJECTS | 中文, 300, " ")
    phrases = read_phrases(texts)
    one, other = find_topics(phrases), find_topics(phrases)
    assert one.coherence == other.coherence
    assert np.array_equal(one.topic_of, other.topic_of)
    assert len(one.found) == max(one.coherence, key=one.coherence.get) == 6


def test_few_texts_or_none_in_common_have_no_topics():
    assert not find_topics(read_phrases(["one text"])).found
    assert not find_topics(read_phrases([f"word{i}x" for i in range(100)])).found


@pytest.mark.filterwarnings("error")
def test_texts_that_are_all_the_same_are_one_topic_without_a_warning():
    assert [topic.texts for topic in find_topics(read_phrases(["送餐很快，味道也好"] * 60)).found] == [60]


def test_addresses_and_links_are_no_phrases():
    names = read_phrases(["@somebody see https://example.org/page good bread"] * 40).names
    assert "good bread" in names
    assert not [name for name in names if "example" in name or "somebody" in name]


def test_the_text_unlike_others_is_the_strangest():
    places = np.zeros((41, 3))
    places[:40, 0] = 1
    places[40, 1] = 1
    unlike = strangeness(places)
    assert unlike.argmax() == 40
    assert unlike[:40].max() == 0
