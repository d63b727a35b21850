"""Rules that label texts by words or by an expression, as a user writes them in TOML, and what each says of each text.

Expressions are run by the regex engine of polars (Rust): its time grows with the length of the text and of the
expression, never faster, so that no rule can hang the command; it knows neither look-around nor back references.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import RecipeError, UsageError
from feilun.core.remark import Remark, said_in
from feilun.core.settings import REQUIRED, read, setting, tables
from feilun.data.readers.tables import polars

LATIN = re.compile(r"[A-Za-z0-9]")


@dataclass(frozen=True)
class Rule:
    """A table `[rules.NAME]`: the label of the texts that it speaks of; of all others it says nothing."""

    label: str = setting(REQUIRED, Remark("the label that the rule gives", "规则给出的标签"))
    any: tuple[str, ...] = setting((), "words of which one must stand in the text; thank* takes any ending")
    all: tuple[str, ...] = setting((), "words that must all stand in it")
    unless: tuple[str, ...] = setting((), "words of which none may stand in it")
    pattern: str | None = setting(None, "a regular expression that must be found in it, upper and lower case alike")

    def contradictions(self) -> list[str]:
        """Say which settings exclude each other."""
        if not (self.any or self.all or self.pattern):
            return [Remark("a rule needs one of any, all and pattern.", "规则至少需要 any、all、pattern 之一。")]
        return (
            [Remark("a word is empty.", "有一个词是空的。")]
            if "" in {word.strip("* ") for word in (*self.any, *self.all, *self.unless)}
            else []
        )

    def expressions(self) -> tuple[list[str], list[str]]:
        """Return the expressions that must be found, and those that must not."""
        wanted = ([_words(self.any)] if self.any else []) + [_words([word]) for word in self.all]
        return wanted + ([f"(?i){self.pattern}"] if self.pattern else []), [_words(self.unless)] if self.unless else []


@dataclass(frozen=True)
class RuleFile:
    """The file of rules."""

    rules: dict[str, Rule] = tables(Rule, "the rules by name")
    shares: dict[str, float] = setting({}, "share of each label among the texts, where it is known; empty: learnt")

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels, in the order in which the rules name them first."""
        return tuple(dict.fromkeys([*self.shares, *(rule.label for rule in self.rules.values())]))

    def class_shares(self) -> NDArray[np.float64] | None:
        """Return the share of each label, shape (labels,), summing to one; None where it is to be learnt."""
        found = np.array([self.shares.get(label, 0.0) for label in self.labels])
        return found / found.sum() if self.shares else None

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        if len({rule.label for rule in self.rules.values()}) < 2:
            return [
                Remark(
                    "the rules give fewer than two labels: write [rules.NAME] tables for two at least.",
                    "这些规则给出的标签不足两个：请至少为两个标签写 [rules.NAME] 表。",
                )
            ]
        missing = [label for label in self.labels if self.shares.get(label, 0.0) <= 0]
        return (
            [
                Remark(
                    f"shares has no share above 0 for {missing[0]!r}: name each label, or none.",
                    f"shares 中没有 {missing[0]!r} 大于 0 的占比：请写全每个标签，或一个也不写。",
                )
            ]
            if self.shares and missing
            else []
        )


def read_rules(path: Path) -> RuleFile:
    """Read a file of rules.

    Raises:
        UsageError: If there is no such file.
        RecipeError: With every fault, an expression that the engine does not take among them.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(
            Remark(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"),
            Remark("A file of rules is TOML: docs/labels.md.", "规则文件是 TOML：见 docs/labels.zh-CN.md。"),
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError([Remark(f"it is no TOML: {error}.", f"它不是 TOML：{error}。")], str(path)) from error
    found, faults = read(RuleFile, values)
    said = [
        fault.message
        if fault.key in fault.message
        else Remark(f"{fault.key}: {fault.message}", f"{fault.key}：{said_in('zh', fault.message)}")
        for fault in faults
    ]
    if found is None:
        raise RecipeError(said, str(path))
    wrong = [
        Remark(f"rules.{name}.pattern: {why}.", f"rules.{name}.pattern：{said_in('zh', why)}。")
        for name, rule in found.rules.items()
        if (why := _refused(rule))
    ]
    if wrong:
        raise RecipeError(wrong, str(path))
    return found


def votes(rules: Sequence[Rule], texts: Sequence[str]) -> NDArray[np.bool_]:
    """Say which rules speak of which texts.

    Args:
        rules: The rules.
        texts: The texts.

    Returns:
        Shape (texts, rules).
    """
    column = polars().Series(texts, dtype=polars().String)
    found = np.ones((len(texts), len(rules)), bool)
    for number, rule in enumerate(rules):
        wanted, unwanted = rule.expressions()
        for expression in wanted:
            found[:, number] &= column.str.contains(expression).to_numpy()
        for expression in unwanted:
            found[:, number] &= ~column.str.contains(expression).to_numpy()
    return found


def _words(words: Sequence[str]) -> str:
    """Return the expression that finds one of some words: whole ones in Latin script, any place in Chinese."""
    return f"(?i)(?:{'|'.join(map(_word, words))})"


def _word(word: str) -> str:
    bare = word.strip("*")
    before = r"\b" if LATIN.match(bare[0]) and not word.startswith("*") else ""
    after = r"\b" if LATIN.match(bare[-1]) and not word.endswith("*") else ""
    return before + re.escape(bare) + after


def _refused(rule: Rule) -> str | None:
    """Return why the engine does not take a rule's expression; None where it does."""
    try:
        for expression in chain(*rule.expressions()):
            polars().Series([""]).str.contains(expression)
    except polars().exceptions.ComputeError as error:
        lines = [line for line in str(error).splitlines() if line.startswith("error: ") or "size limit" in line]
        return (
            lines[0].removeprefix("error: ").rstrip(".")
            if lines
            else Remark("the expression cannot be read", "无法读懂这个表达式")
        )
    return None
