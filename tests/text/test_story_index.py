"""Copies join one story, whatever order they come in; what people parted stays apart."""

from __future__ import annotations

import random

import pytest

from feilun.text.story_index import StoryIndex

NOBODY: frozenset[str] = frozenset()
ORIGINAL = (
    "The carmaker recalls thirty thousand vehicles after its engineers found that a supplier delivered brake lines "
    "that may leak in the cold; owners can have them replaced free of charge in any of its garages from Monday on."
)
PARTS = ORIGINAL[: 3 * len(ORIGINAL) // 4], ORIGINAL[len(ORIGINAL) // 5 :]
OTHER = "A storm over the northern coast has closed both harbours, and ferries will not sail before the weekend."


def put(index: StoryIndex, *texts: str, first: int = 0) -> tuple[str, ...]:
    numbers = range(first, first + len(texts))
    return index.add([str(i) for i in numbers], texts, [float(i) for i in numbers], [NOBODY] * len(texts)).stories


def test_the_original_shows_its_parts_to_be_one_story() -> None:
    index = StoryIndex()
    assert put(index, *PARTS, OTHER) == ("0", "1", "2")
    placed = index.add(["3"], [ORIGINAL], [3.0], [NOBODY])
    assert (placed.stories, dict(placed.merged)) == (("0",), {"1": "0"})
    assert put(index, PARTS[1], first=4) == ("0",)


def test_a_chain_of_merges_ends_at_the_earliest_story() -> None:
    windows = [ORIGINAL[start : start + 120] for start in (0, 40, 80)]
    index = StoryIndex()
    keys, times = ["late", "middle", "early"], [3.0, 2.0, 1.0]
    assert index.add(keys, windows, times, [NOBODY] * 3).stories == tuple(keys)
    placed = index.add(["whole"], [ORIGINAL], [4.0], [NOBODY])
    assert placed.stories == ("early",)
    assert set(placed.merged) | {"early"} == set(keys)
    assert set(placed.merged.values()) == {"early"}


@pytest.mark.parametrize("seed", range(5))
def test_stories_are_the_same_in_any_order(seed: int) -> None:
    texts = [ORIGINAL, *PARTS, f"BREAKING: {ORIGINAL}", OTHER, f"{OTHER} More to follow."]
    drawn = random.Random(seed).sample(range(len(texts)), len(texts))
    stories = dict(zip(drawn, put(StoryIndex(), *(texts[i] for i in drawn)), strict=True))
    assert len({stories[i] for i in range(4)}) == 1
    assert stories[4] == stories[5] != stories[0]


def test_a_digest_of_two_stories_and_a_phrase_in_both_merge_nothing() -> None:
    index = StoryIndex()
    assert len(set(put(index, ORIGINAL, OTHER, f"{ORIGINAL} Also today: {OTHER}"))) == 2
    phrase = "for further details please turn to the investor relations desk"
    index = StoryIndex()
    assert len(set(put(index, f"{ORIGINAL} {phrase}", f"{OTHER} {phrase}", phrase))) == 2


def test_stories_about_different_companies_are_not_merged() -> None:
    index = StoryIndex()
    about = [frozenset({"A"}), frozenset({"B"}), frozenset({"A", "B"})]
    texts = [ORIGINAL, f"RT: {ORIGINAL}", f"{ORIGINAL} (Reuters)"]
    placed = index.add(["0", "1", "2"], texts, [0.0, 1.0, 2.0], about)
    assert placed.merged == {}
    assert len(set(placed.stories)) == 2


def test_what_people_parted_stays_apart() -> None:
    index = StoryIndex()
    put(index, ORIGINAL, f"RT: {ORIGINAL}")
    index.move("1", "1", 1.0)
    index.part("0", "1")
    for number, text in enumerate((f"{ORIGINAL} (Reuters)", ORIGINAL, f"RT: {ORIGINAL}"), 2):
        placed = index.add([str(number)], [text], [float(number)], [NOBODY])
        assert placed.stories[0] in {"0", "1"}
        assert placed.merged == {}


def test_remembered_texts_go_on_as_they_were_told() -> None:
    index = StoryIndex()
    times = [10.0, 11.0]
    index.remember(["a", "b"], PARTS, times, [NOBODY] * 2, ["old", "b"], [1.0, 11.0])
    assert index.add(["c"], [ORIGINAL], [12.0], [NOBODY]).stories == ("old",)


def test_what_left_the_window_is_forgotten() -> None:
    index = StoryIndex(window_seconds=10.0)
    put(index, ORIGINAL)
    assert index.add(["x"], [ORIGINAL], [100.0], [NOBODY]).stories == ("x",)
    assert len(index) == 1
