"""Copies put into one story: precision and recall of pairs on made reposts of real texts, and documents a second.

    python benchmarks/duplicates.py --data ../shared/data [--originals 1500] [--seeds 3] [--choose]

Originals are drawn from news and posts in Chinese and English; those that are a copy of another one already (Jaccard
similarity of 0.7 and more) are left out, so that two originals count as apart. Of each, three reposts are made: words
or characters changed, dropped and added (edits), the beginning alone (truncation), a source's lines before and after
(boilerplate), or an edited one with lines around (both). All run through the product's own index, the originals before
their reposts among those of all others (published), or in any order, as where a crawler finds copies first (mixed). A
pair of documents is right in one story where both come from one original. With `--choose` thresholds are compared on
the first half of the originals; the figures of the table are those of the second half, under the product's thresholds.

Then near duplicates and counting alone, without models and the disk: documents for each second of one core's time.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.trends import Counted
from feilun.apps.public_opinion.understanding import Analysis
from feilun.text import story_index
from feilun.text.near_duplicates import CJK_LETTER, near_duplicate_groups
from feilun.text.story_index import StoryIndex

SETS = (
    ("zh", "zh_financial_news", ("text", "body")), ("zh", "lcsts_part3", ("text",)),
    ("zh", "zh_car_opinion", ("text",)), ("zh", "smp2020_covid_weibo", ("text",)),
    ("en", "bbc_news_summary", ("title", "text")),
    ("en", "financial_phrasebank", ("text",)), ("en", "airline_tweets", ("text",)),
)  # fmt: skip
COPY = 0.7
SHORTEST = 40
"""Characters of an original: a shorter text is too little to tell a copy by."""

SHORT = {"zh": 120, "en": 300}
"""Characters of about 60 tokens, for the speed of short documents alone."""

LEADS = {
    "zh": ("【快讯】", "转发：", "证券时报网讯 ", "（记者 报道）", "本报综合消息，", "来源：财经频道 "),
    "en": ("BREAKING: ", "RT: ", "(Reuters) - ", "Via our newsroom. ", "Updated story: ", "Press digest - "),
}
TAILS = {
    "zh": (" 责任编辑：佚名", "（更多内容请关注公众号）", " 版权声明：转载请注明出处", " 点击查看原文"),
    "en": (" Read more on our site.", " All rights reserved.", " Follow us for updates.", " Click for the original."),
}  # fmt: skip
KINDS = ("edits", "truncation", "boilerplate", "both")
COPIES = 3
TRIED = [(alike, contained, part) for alike in (0.5, 0.6) for contained in (0.8, 0.85, 0.9) for part in (15, 20, 30)]
"""Similarity, containment and shingles of a part that are compared."""


@dataclass(frozen=True)
class Made:
    """A document of the stream: which original it comes from, how it was made, and its text."""

    original: int
    kind: str
    language: str
    text: str


def originals(data: Path, language: str, count: int, seed: int) -> list[str]:
    """Return texts of a language that are no near duplicates of one another, an equal part of each set."""
    drawn = random.Random(seed)
    chosen: list[str] = []
    sets = [one for one in SETS if one[0] == language]
    for _, name, columns in sets:
        with (data / name / "train.csv").open(encoding="utf-8", newline="") as file:
            read = ["\n".join(row[column] for column in columns if row[column]) for row in csv.DictReader(file)]
        read = [text for text in dict.fromkeys(read) if len(text) >= SHORTEST]
        chosen += drawn.sample(read, min(len(read), count // len(sets)))
    groups = Counter(near_duplicate_groups(chosen, COPY).tolist())
    apart = [text for i, text in enumerate(chosen) if groups[i] == 1]
    drawn.shuffle(apart)
    return apart


def edited(text: str, share: float, drawn: random.Random) -> str:
    """Drop, repeat or swap a share of the words (characters in Chinese)."""
    units = list(text) if CJK_LETTER.search(text) else text.split(" ")
    joint = "" if CJK_LETTER.search(text) else " "
    made: list[str] = []
    for unit in units:
        chance = drawn.random()
        if chance < share / 3:
            continue
        made.append(drawn.choice(units) if chance < 2 * share / 3 else unit)
        if chance > 1 - share / 3:
            made.append(drawn.choice(units))
    return joint.join(made) or text


def truncated(text: str, drawn: random.Random) -> str:
    """Return the first half to nine tenths of a text."""
    return text[: max(20, round(len(text) * drawn.uniform(0.5, 0.9)))]


def framed(text: str, language: str, drawn: random.Random) -> str:
    """Put a source's lines around a text."""
    return drawn.choice(LEADS[language]) + text + drawn.choice(TAILS[language])


def reposts(texts: Sequence[str], language: str, first: int, drawn: random.Random) -> Iterator[Made]:
    """Yield each text and its reposts."""
    make: dict[str, Callable[[str], str]] = {
        "edits": lambda text: edited(text, drawn.uniform(0.02, 0.1), drawn),
        "truncation": lambda text: truncated(text, drawn),
        "boilerplate": lambda text: framed(text, language, drawn),
        "both": lambda text: framed(edited(text, drawn.uniform(0.02, 0.06), drawn), language, drawn),
    }
    for number, text in enumerate(texts, first):
        yield Made(number, "original", language, text)
        for kind in drawn.sample(KINDS, COPIES):
            yield Made(number, kind, language, make[kind](text))


def stories_of(documents: Sequence[Made]) -> list[str]:
    """Return the story of each document, as the product's index tells it."""
    names = [str(i) for i in range(len(documents))]
    nobody: list[frozenset[str]] = [frozenset()] * len(documents)
    times = [float(i) for i in range(len(documents))]
    return list(StoryIndex().add(names, [one.text for one in documents], times, nobody).stories)


def judged(documents: Sequence[Made], stories: Sequence[str]) -> tuple[float, float]:
    """Return precision and recall of pairs."""
    told: dict[str, Counter[int]] = defaultdict(Counter)
    for one, story in zip(documents, stories, strict=True):
        told[story][one.original] += 1
    together = sum(story.total() * (story.total() - 1) // 2 for story in told.values())
    right = sum(many * (many - 1) // 2 for story in told.values() for many in story.values())
    truly = sum(many * (many - 1) // 2 for many in Counter(one.original for one in documents).values())
    return right / max(1, together), right / max(1, truly)


def by_kind(documents: Sequence[Made], stories: Sequence[str]) -> dict[str, float]:
    """Return the share of pairs of an original and a copy that are in one story, by how the copy was made."""
    groups: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for one, story in zip(documents, stories, strict=True):
        groups[one.original].append((one.kind, story))
    found: dict[str, list[bool]] = defaultdict(list)
    for group in groups.values():
        for (kind, story), (other, another) in combinations(group, 2):
            if "original" in (kind, other):
                found[other if kind == "original" else kind].append(story == another)
    return {kind: float(np.mean(found[kind])) for kind in KINDS}


def published(documents: Sequence[Made], drawn: random.Random) -> list[Made]:
    """Return documents in an order in which each original stands before its reposts, else any."""
    begun: dict[int, float] = {one.original: drawn.random() for one in documents}
    times = [
        begun[one.original] if one.kind == "original" else drawn.uniform(begun[one.original], 1) for one in documents
    ]
    return [documents[i] for i in np.argsort(times, kind="stable")]


def streams(data: Path, count: int, seed: int) -> tuple[list[Made], list[Made]]:
    """Return the half to choose on and the half to report, each as published."""
    drawn = random.Random(seed)
    halves: tuple[list[Made], list[Made]] = ([], [])
    for language in ("zh", "en"):
        texts = originals(data, language, count, seed)
        for half, part in zip(halves, (texts[::2], texts[1::2]), strict=True):
            half.extend(reposts(part, language, len(half), drawn))
    return published(halves[0], drawn), published(halves[1], drawn)


def choose(halves: Sequence[Sequence[Made]]) -> None:
    """Show precision and recall on the halves to choose on, for several thresholds."""
    kept = story_index.ALIKE, story_index.CONTAINED, story_index.SHORTEST_PART
    print(f"{'alike':>6} {'contained':>9} {'part':>5} {'precision':>9} {'recall':>7}")
    for thresholds in TRIED:
        story_index.ALIKE, story_index.CONTAINED, story_index.SHORTEST_PART = thresholds
        found = np.mean([judged(half, stories_of(half)) for half in halves], axis=0)
        print(f"{thresholds[0]:>6} {thresholds[1]:>9} {thresholds[2]:>5} {found[0]:>9.4f} {found[1]:>7.4f}", flush=True)
    story_index.ALIKE, story_index.CONTAINED, story_index.SHORTEST_PART = kept


def speed(documents: Sequence[Made], seed: int) -> None:
    """Show documents for each second of processor time, of near duplicates and of counting."""
    drawn = random.Random(seed)
    said = [
        Analysis(drawn.choice(("negative", "neutral", "positive")), 1.0, (drawn.choice("abcdefgh"),),
                 ((f"company {drawn.randrange(200)}", "neutral"),), "")
        for _ in documents
    ]  # fmt: skip
    begin = time.process_time()
    stories = stories_of(documents)
    middle = time.process_time()
    counted = [
        Counted(60.0 * i, one.language, analysis, story == str(i))
        for i, (one, analysis, story) in enumerate(zip(documents, said, stories, strict=True))
    ]
    for start in range(0, len(counted), 256):
        trends.cells(counted[start : start + 256], 3600)
    end = time.process_time()
    characters = np.mean([len(one.text) for one in documents])
    n = len(documents)
    print(
        f"{n:,} documents of {characters:.0f} characters: near duplicates {n / (middle - begin):,.0f} documents/s, "
        f"counting {n / (end - middle):,.0f}, both {n / (end - begin):,.0f}"
    )


def show(seed: int, order: str, half: Sequence[Made]) -> None:
    """Show precision and recall of a stream, by language and together."""
    stories = stories_of(half)
    for language in ("zh", "en", ""):
        part = [(one, story) for one, story in zip(half, stories, strict=True) if language in ("", one.language)]
        documents, told = [one for one, _ in part], [story for _, story in part]
        precision, recall = judged(documents, told)
        kinds = ", ".join(f"{kind} {share:.3f}" for kind, share in by_kind(documents, told).items())
        figures = f"{len(part):>9,} {precision:>9.4f} {recall:>7.4f}"
        print(f"{seed:>4} {order:>9} {language or 'all':>5} {figures}  {kinds}", flush=True)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--originals", type=int, default=1_500, help="of each language, before near duplicates leave")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="compare thresholds on the first half")
    asked = parser.parse_args()
    made = [streams(asked.data, asked.originals, seed) for seed in range(asked.seeds)]
    if asked.choose:
        choose([first for first, _ in made])
        return
    print(f"{'seed':>4} {'order':>9} {'texts':>5} {'documents':>9} {'precision':>9} {'recall':>7}  original with copy")
    for seed, (_, half) in enumerate(made):
        show(seed, "published", half)
        show(seed, "mixed", random.Random(seed).sample(half, len(half)))
    for seed, (_, half) in enumerate(made):
        speed(half, seed)
        speed([one for one in half if len(one.text) <= SHORT[one.language]], seed)


if __name__ == "__main__":
    main()
