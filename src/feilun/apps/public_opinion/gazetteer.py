"""Who a text speaks of: names, aliases and stock codes, all looked for at once (Aho, Corasick 1975)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from feilun.apps.public_opinion.toml_tables import no_table, read_file, read_tables
from feilun.core.errors import DataError, MissingExtra, RecipeError
from feilun.core.remark import Remark, joined, said_in
from feilun.core.settings import REQUIRED, setting
from feilun.knowledge.mentions import Mention, canonical, folded

LARGEST, MOST_KEYS = 4 * 1024 * 1024, 200_000
"""Bounds of a file of entities, which may name every listed company."""

Kind = Literal["company", "person", "product"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WORD_CHARACTER = re.compile(r"[A-Za-z0-9]")


@dataclass(frozen=True)
class Entity:
    """Somebody or something to be found in texts; a table `[[entity]]`."""

    name: str = setting(REQUIRED, "how it is called in figures and reports")
    kind: Kind = setting("company", "what it is")
    aliases: tuple[str, ...] = setting((), "other names by which it is known")
    codes: tuple[str, ...] = setting((), "stock codes; found as written only")
    ambiguous: tuple[str, ...] = setting((), "names that count only beside one of the others, or of `context`")
    context: tuple[str, ...] = setting((), "words that tell that an ambiguous name means this one")
    market: str = setting("", "where it is traded, by ISO 10383: its holidays are those of this market alone")


@dataclass(frozen=True)
class Ignored:
    """A name that the tagger finds and that is none; a table `[[ignored]]`."""

    name: str = setting(REQUIRED, "the name as it was offered")


class Gazetteer:
    """All entities that are looked for.

    Args:
        entities: They.
        ignored: Names that a model finds and that are none.

    Raises:
        MissingExtra: If ahocorasick-rs is not installed.
        DataError: If a name stands for two entities, and is ambiguous for neither.
    """

    def __init__(self, entities: Sequence[Entity], ignored: Collection[str] = ()) -> None:
        self.entities = tuple(entities)
        self._ignored = {_lower(canonical(name)) for name in ignored}
        self._meant: dict[str, list[tuple[Entity, bool]]] = {}
        for entity in entities:
            for name in dict.fromkeys(map(_lower, (entity.name, *entity.aliases, *entity.codes))):
                self._meant.setdefault(name, []).append((entity, True))
            for name in entity.ambiguous:
                self._meant.setdefault(_lower(name), []).append((entity, False))
        for name, meant in self._meant.items():
            if sum(sure for _, sure in meant) > 1:
                both = joined([entity.name for entity, sure in meant if sure], " and ", "和")
                raise DataError(
                    Remark(f"The name {name!r} stands for {both}.", f"名称 {name!r} 同时指{said_in('zh', both)}。"),
                    Remark(
                        "List it under `ambiguous`, with `context`.", "请把它列在 `ambiguous` 中，并给出 `context`。"
                    ),
                )
        self._codes = {code for entity in entities for code in entity.codes}
        self._patterns = list(self._meant)
        self._automaton = automaton(self._patterns, longest=True)

    def find(self, text: str) -> list[Mention]:
        """Return who is named where, in order; of overlapping names the longest.

        Args:
            text: Any text, in simplified or traditional characters, half-width or full-width letters.
        """
        plain = folded(text)
        lowered = _lower(plain)
        found = []
        for index, start, end in self._automaton.find_matches_as_indexes(lowered):
            meant = self._meant[self._patterns[index]]
            if _stands_alone(plain, start, end) and self._as_written(plain[start:end], meant):
                found.append((start, end, meant))
        certain = {entity.name for _, _, meant in found for entity, sure in meant if sure}
        mentions = []
        for start, end, meant in found:
            entity = _resolved(meant, certain, lowered)
            if entity is not None:
                mentions.append(Mention(start, end, entity.kind, entity.name))
        return mentions

    def placed(self, found: Mention) -> Mention | None:
        """Return what a model found as this list knows it: under the canonical name of whom it means.

        A model that takes an ambiguous name for a company tells that it means the one company that has it.

        Args:
            found: A mention by a model.

        Returns:
            The mention; None where it is a name that is to be ignored, or one of several.
        """
        name = _lower(found.name)
        if name in self._ignored:
            return None
        meant = self._meant.get(name)
        if meant is None:
            return found
        entities = {entity.name: entity for entity, sure in meant if sure or entity.kind == found.label}
        if len(entities) != 1:
            return None
        (entity,) = entities.values()
        return replace(found, label=entity.kind, name=entity.name, by="list")

    def _as_written(self, name: str, meant: Sequence[tuple[Entity, bool]]) -> bool:
        """Return whether a code stands as a code does: `CAT` is one, `cat` an animal."""
        only_codes = all(_lower(name) in {_lower(code) for code in entity.codes} for entity, _ in meant)
        return not only_codes or name in self._codes


def read_gazetteer(path: Path) -> Gazetteer:
    """Read entities from a TOML file with tables `[[entity]]`.

    Raises:
        DataError: If it cannot be read.
        RecipeError: With every fault of its entities.
    """
    values = read_file(path, "entity", largest=LARGEST, keys=MOST_KEYS)
    entities, faults = read_tables(Entity, "entity", values)
    ignored, others = read_tables(Ignored, "ignored", values)
    if faults or others or not entities:
        raise RecipeError([*faults, *others] or [no_table("entity")], str(path))
    return Gazetteer(list(entities.values()), [one.name for one in ignored.values()])


def automaton(patterns: list[str], *, longest: bool = False) -> Any:
    """Return what finds all of some words in one pass over a text (Aho, Corasick 1975).

    Args:
        patterns: The words.
        longest: Where several overlap, only the one that begins first and is longest.

    Raises:
        MissingExtra: If ahocorasick-rs is not installed.
    """
    try:
        from ahocorasick_rs import AhoCorasick, MatchKind
    except ImportError as error:
        raise MissingExtra(
            "ahocorasick-rs", "public-opinion", Remark("Finding companies in texts", "在文本中查找公司")
        ) from error
    return AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest if longest else MatchKind.Standard)


def _resolved(meant: Sequence[tuple[Entity, bool]], certain: set[str], lowered: str) -> Entity | None:
    """Return whom a name means; None where that is not clear."""
    sure = [entity for entity, is_sure in meant if is_sure]
    if sure:
        return sure[0]
    likely = [
        entity
        for entity, _ in meant
        if entity.name in certain or any(_lower(word) in lowered for word in entity.context)
    ]
    return likely[0] if len(likely) == 1 else None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether a Latin name is a word, not a part of one."""
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    inside_before = WORD_CHARACTER.match(text[start]) and before and WORD_CHARACTER.match(before)
    inside_after = WORD_CHARACTER.match(text[end - 1]) and after and WORD_CHARACTER.match(after)
    return not (inside_before or inside_after)


def _lower(text: str) -> str:
    """Return a text in lower case and as `folded` writes it, each character at its place."""
    plain = folded(text)
    lowered = plain.lower()
    if len(lowered) == len(plain):
        return lowered
    return "".join(low if len(low := character.lower()) == 1 else character for character in plain)
