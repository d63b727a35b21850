"""Phrases that tell some texts from others: log-odds with a prior of both (Monroe, Colaresi, Quinn 2008).

A phrase is a word or two that follow one another, in one case; it counts once a text.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from feilun.text.near_duplicates import CJK_LETTER
from feilun.text.segment import sentences, words

PRIOR = 0.01
LEAST_SCORE = 1.96
"""Standard deviations that a phrase must stand out by."""

SHORTEST = 2
ENGLISH = (
    "the a an of to in on for and or but with by at from as is are was were be been has have had it its this "
    "that which who will would can could may not no than then they their he she his her we our you your i my "
    "me us so if after before into over under up down out about said says new more most just get got am do "
    "does did all any am because been being both can't couldn't didn't doesn't don't each even ever every few going "
    "hadn't hasn't haven't he's how i'd i'll i'm i've isn't it's let like made make many much need now off once one "
    "only other own really same she's should shouldn't some still such that's them there there's these they're thing "
    "those through too until very wasn't way we're we've weren't what what's when where while why won't wouldn't "
    "yes yet you'd you're you've amp via im dont cant "
)
CHINESE = (
    "的 了 在 和 与 及 或 是 有 将 已 对 为 从 被 于 等 也 都 就 还 又 其 该 这 那 此 个 年 月 日 称 "
    "很 上 下 比 呢 吧 吗 啊 呀 太 最 更 再 才 只 把 给 到 得 着 过 让 里 么 去 来 用 说 看 会 要 想 人 多 大 小 "
    "表示 公司 目前 相关 进行 没有 可以 这个 那个 什么 一个 就是 我们 他们 你们 自己 不是 还是 因为 所以 如果 但是 "
    "而且 现在 时候 已经 这样 怎么 知道 觉得 感觉 有点 一下 一点 不过 然后 里面 这么 这种 那么 可能 应该 真的 还有 "
    "只是 比较 的话 以及 由于 对于 关于 其中 一些 这些 那些"
)
STOPPED = frozenset((*ENGLISH.split(), *CHINESE.split()))
"""Words that no phrase consists of."""


def phrases_of(text: str) -> set[str]:
    """Return the phrases of a text."""
    found: set[str] = set()
    for sentence in sentences(text):
        said = words(sentence)
        kept = [word if word not in STOPPED and not word.isdecimal() else "" for word in said]
        found.update(word for word in kept if len(word) >= SHORTEST)
        for one, other in pairwise(kept):
            if one and other:
                joint = "" if CJK_LETTER.match(one[-1]) and CJK_LETTER.match(other[0]) else " "
                found.add(f"{one}{joint}{other}")
    return found


def telling_phrases(texts: Sequence[str], others: Counter[str], count: int) -> list[tuple[str, int]]:
    """Return the phrases that stand in more of some texts than of others, by how much they stand out.

    Args:
        texts: The texts to tell about.
        others: The phrases of what they are compared with, as `phrase_counts` counts them.
        count: How many phrases at most.

    Returns:
        Each phrase with the number of `texts` that hold it; of two that say the same only the longer one.
    """
    inside = phrase_counts(texts)
    total_in, total_out = sum(inside.values()), sum(others.values())
    scored = []
    for phrase, many in inside.items():
        if many < max(2, 0.05 * len(texts)):
            continue
        score = _log_odds(many, total_in, others[phrase], total_out)
        if score >= LEAST_SCORE:
            scored.append((score, phrase, many))
    chosen: list[tuple[str, int]] = []
    for _, phrase, many in sorted(scored, key=lambda one: (-one[0], -len(one[1]), one[1])):
        if not any(phrase in other or other in phrase for other, _ in chosen):
            chosen.append((phrase, many))
    return chosen[:count]


def phrase_counts(texts: Iterable[str]) -> Counter[str]:
    """Return in how many texts each phrase stands."""
    return Counter(phrase for text in texts for phrase in phrases_of(text))


def _log_odds(inside: int, total_in: int, outside: int, total_out: int) -> float:
    """Return by how many standard deviations a phrase is more frequent inside."""
    prior = PRIOR * (inside + outside)
    whole = PRIOR * (total_in + total_out)
    one, other = inside + prior, outside + prior
    difference = math.log(one / (total_in + whole - one)) - math.log(other / (total_out + whole - other))
    return difference / math.sqrt(1 / one + 1 / other)
