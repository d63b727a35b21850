"""Topics by their words: a scheme is read from a TOML file, and its words find topics until a model is trained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from feilun.apps.public_opinion.gazetteer import automaton
from feilun.apps.public_opinion.toml_tables import no_table, numbered, read_file, read_tables
from feilun.core.corpus import Corpus
from feilun.core.errors import RecipeError, UsageError, nearest
from feilun.core.prediction import Prediction, Ranking
from feilun.core.remark import Remark
from feilun.core.settings import REQUIRED, setting

FINANCE = Path(__file__).with_name("finance.toml")
"""The default scheme."""

LATIN = re.compile(r"[A-Za-z]")


@dataclass(frozen=True)
class Topic:
    """A topic; a table `[[topic]]`."""

    name: str = setting(REQUIRED, "what it is called in figures")
    title: str = setting("", "what it is called in reports")
    words: tuple[str, ...] = setting((), "words that give it away; `word*` takes any ending")

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """Return what finds its words; None where it has none."""
        parts = [_expression(word) for word in sorted(self.words, key=len, reverse=True)]
        return re.compile("|".join(parts), re.IGNORECASE) if parts else None


@dataclass(frozen=True)
class Scheme:
    """All topics, in their order; as a Predictor it finds them by their words.

    Args:
        topics: They.
    """

    topics: tuple[Topic, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return their names."""
        return tuple(topic.name for topic in self.topics)

    @property
    def titles(self) -> Mapping[str, str]:
        """Return their titles by name."""
        return {topic.name: topic.title or topic.name for topic in self.topics}

    def predict(self, corpus: Corpus) -> list[Prediction]:
        """Return for each text the topics whose words it holds, as labels; the score is 1 for each of them."""
        return [self._one(text) for text in corpus.text]

    def words_in(self, text: str, topics: Sequence[str]) -> list[str]:
        """Return the words of some topics that stand in a text."""
        chosen = [topic.pattern for topic in self.topics if topic.name in topics and topic.pattern]
        return [found[0] for pattern in chosen for found in pattern.finditer(text)]

    def _one(self, text: str) -> Prediction:
        lowered = text.lower()
        held = np.zeros(len(self.topics), dtype=np.float32)
        for number, start, end in self._automaton.find_matches_as_indexes(lowered, overlapping=True):
            word, topic = self._words[number]
            if _is_whole(word, lowered, start, end):
                held[topic] = 1
        found = tuple(name for name, there in zip(self.names, held.tolist(), strict=True) if there)
        return Prediction(", ".join(found), 1.0, Ranking(self.names, held), labels=found)

    @cached_property
    def _words(self) -> list[tuple[str, int]]:
        return [(word.lower(), number) for number, topic in enumerate(self.topics) for word in topic.words]

    @cached_property
    def _automaton(self) -> Any:
        return automaton([word.removesuffix("*") for word, _ in self._words])


def read_scheme(path: Path = FINANCE) -> Scheme:
    """Read a scheme from a TOML file with tables `[[topic]]`.

    Raises:
        DataError: If it cannot be read.
        RecipeError: With every fault of its topics.
    """
    tables, found = read_tables(Topic, "topic", read_file(path, "topic"))
    topics: list[Topic] = []
    faults: list[str] = [*found]
    for number, topic in tables.items():
        if topic.name in {one.name for one in topics}:
            before = Remark(f"the name {topic.name!r} came before.", f"名称 {topic.name!r} 已经出现过。")
            faults.append(numbered("topic", number, before))
        else:
            topics.append(topic)
    if faults or not topics:
        raise RecipeError(faults or [no_table("topic")], str(path))
    return Scheme(tuple(topics))


def known_topic(name: str, scheme: Scheme) -> str:
    """Return the name of a topic.

    Raises:
        UsageError: If the scheme has none of that name.
    """
    if name not in scheme.names:
        raise UsageError(
            Remark(f"The scheme has no topic {name!r}.", f"话题体系中没有话题 {name!r}。"), nearest(name, scheme.names)
        )
    return name


def _is_whole(word: str, text: str, start: int, end: int) -> bool:
    """Return whether a word stands in a text as `_expression` finds it; both in lower case."""
    if not LATIN.search(word):
        return True
    return not LATIN.match(text[start - 1 : start]) and (word.endswith("*") or not LATIN.match(text[end : end + 1]))


def _expression(word: str) -> str:
    """Return a word as a regular expression: Latin ones as whole words, Chinese ones anywhere."""
    stem = re.escape(word.removesuffix("*"))
    if not LATIN.search(word):
        return stem
    return rf"(?<![A-Za-z]){stem}" + ("" if word.endswith("*") else r"(?![A-Za-z])")
