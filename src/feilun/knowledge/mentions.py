"""What a text names: what formats and lists find, and what a `tag` model adds that no list knows.

One order decides where two overlap: an exact format (a number, a code) before a name of a list, a name of a list before
a model; within each the longest, and of equally long ones the first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from feilun.core.corpus import corpus_of
from feilun.core.ports import Decided, Predictor
from feilun.knowledge.terms import simplified
from feilun.text.clean import narrow

EDGES = " \t\n《》〈〉「」『』【】“”‘’\"'()（）[]，。、：；,.:;!?！？·-—"
"""What a model may take to belong to a name and is none of it."""

LEGAL_FORM = re.compile(
    r"(?<=\w{2})(?:股份有限公司|有限责任公司|有限公司|股份公司)$"
    r"|(?<=\w)[, ]+(?:co\.?,? ?ltd|inc|incorporated|corp|corporation|ltd|limited|plc|llc|gmbh|ag|n\.?v|s\.?a)\.?$",
    re.IGNORECASE,
)
BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Mention:
    """A place in a text that names something.

    Args:
        start: Its first character, counted from 0, an emoji being one.
        end: The character behind its last.
        label: What it is: company, product, amount.
        name: Its canonical name: that of the list, or as `canonical` writes what stands there.
        by: What found it.
    """

    start: int
    end: int
    label: str
    name: str
    by: Literal["format", "list", "model"] = "list"


class Tagger:
    """A `tag` model whose spans are taken where it is sure enough: from the scores that its bundle names on.

    Args:
        predictor: The model; without scores for its labels every span is taken.
        labels: Labels of spans that count; others are left out.
    """

    def __init__(self, predictor: Predictor, labels: Collection[str]) -> None:
        self.predictor = predictor
        self.labels = frozenset(labels)
        decision = predictor.decision if isinstance(predictor, Decided) else None
        self._sure_from = dict(getattr(decision, "sure_from", ()))

    def read(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions in each text, in their order."""
        if not texts:
            return []
        return [
            [
                Mention(span.start, span.end, span.label, name, "model")
                for span in said.spans or ()
                if span.label in self.labels and span.score >= self._sure_from.get(span.label, 0.0)
                if (name := canonical(text[span.start : span.end]))
            ]
            for text, said in zip(texts, self.predictor.predict(corpus_of([folded(one) for one in texts])), strict=True)
        ]


def united(*ranks: Iterable[Mention]) -> list[Mention]:
    """Return mentions that do not overlap, in the order of the text.

    Args:
        ranks: Mentions by what found them, the surest first: of two that overlap the one of the earlier rank stays.
    """
    taken: list[Mention] = []
    for rank in ranks:
        for one in sorted(rank, key=lambda mention: (mention.start - mention.end, mention.start)):
            if all(one.end <= other.start or other.end <= one.start for other in taken):
                taken.append(one)
    return sorted(taken, key=lambda mention: mention.start)


def folded(text: str) -> str:
    """Return a text in simplified characters, half-width letters and blanks, each character at its place.

    Raises:
        MissingExtra: If the text is Chinese and opencc is not installed.
    """
    plain = narrow(text).replace("\u3000", " ")
    plain = plain if len(plain) == len(text) else text
    one_script = simplified(plain)
    return one_script if len(one_script) == len(text) else plain


def canonical(mention: str) -> str:
    """Return the name under which a mention that no list knows is kept; empty where nothing is left of it.

    Simplified characters, half-width letters, single blanks, without quotes at its ends and without its legal form.
    """
    name = BLANKS.sub(" ", folded(mention)).strip(EDGES)
    return LEGAL_FORM.sub("", name).strip(EDGES)
