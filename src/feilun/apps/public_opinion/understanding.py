"""What a document says: its sentiment and topics, whom it names, how each of them fares, and the sentence to show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from feilun.apps.public_opinion.document import Document
from feilun.apps.public_opinion.gazetteer import Gazetteer
from feilun.apps.public_opinion.readers import Reader
from feilun.apps.public_opinion.scheme import Scheme
from feilun.apps.public_opinion.wording import read_wording
from feilun.knowledge.mentions import Mention, Tagger, united
from feilun.text.segment import sentences

CLAUSE = re.compile(
    r"[，；,;](?=\D)|(?<=\s)(?:but|while|whereas|although|however)(?=\s)|(?:但是?|而|然而|不过|反观)(?=\S)", re.I
)
"""Where the speech may turn from one company to another."""

EVIDENCE_CHARACTERS = 160
WHOLE = 1200
"""Characters of a document that a model reads as one text."""


@dataclass(frozen=True)
class Analysis:
    """What a document says.

    Args:
        sentiment: negative, neutral or positive.
        score: How sure the model is of it, 0 to 1.
        topics: Names of its topics.
        entities: Sentiment by entity.
        evidence: The sentence that says it best.
        unlisted: Of the entities those that no list names, each with what the tagger takes it for.
    """

    sentiment: str
    score: float
    topics: tuple[str, ...]
    entities: tuple[tuple[str, str], ...]
    evidence: str
    unlisted: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {name: value for name, value in asdict(self).items() if name != "unlisted" or value}

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Analysis:
        """Read what `to_json` wrote."""
        return cls(
            table["sentiment"], table["score"], tuple(table["topics"]),
            tuple((name, sentiment) for name, sentiment in table["entities"]), table["evidence"],
            tuple((name, kind) for name, kind in table.get("unlisted", ())),
        )  # fmt: skip


@dataclass(frozen=True)
class Understanding:
    """Reads documents.

    Args:
        reader: Tells sentiment and topics.
        gazetteer: Finds entities.
        scheme: Its words help to choose the evidence.
        tagger: Finds those that no list names; None leaves them out.
    """

    reader: Reader
    gazetteer: Gazetteer
    scheme: Scheme
    tagger: Tagger | None = None

    def read(self, documents: Sequence[Document]) -> list[Analysis]:
        """Return what each document says, in order."""
        if not documents:
            return []
        texts = [document.text[:WHOLE] for document in documents]
        mentions = named(texts, self.gazetteer, self.tagger)
        parts = [_parts(text, found) for text, found in zip(texts, mentions, strict=True)]
        said, topics = self.reader.read(texts, [part for by_entity in parts for part in by_entity.values()])
        rest = iter(said[len(texts) :])
        results = []
        for i, document in enumerate(documents):
            names = dict.fromkeys(mention.name for mention in mentions[i])
            by_entity = {name: next(rest).label for name in parts[i]} or dict.fromkeys(names, said[i].label)
            new = {mention.name: mention.label for mention in mentions[i] if mention.by == "model"}
            labels = topics[i].labels or ()
            results.append(
                Analysis(
                    said[i].label,
                    round(float(said[i].score), 4),
                    tuple(labels),
                    tuple(by_entity.items()),
                    self._evidence(document, texts[i], said[i].label, labels),
                    tuple(new.items()),
                )
            )
        return results

    def _evidence(self, document: Document, text: str, sentiment: str, topics: Sequence[str]) -> str:
        """Return the sentence whose words say the most of what the document was found to say."""
        sign = {"negative": -1, "positive": 1}.get(sentiment, 0)

        def telling(sentence: str) -> tuple[float, int]:
            weight = sign * read_wording(sentence).weight
            return weight + len(self.scheme.words_in(sentence, topics)), -abs(len(sentence) - 60)

        best = max(sentences(text), key=telling, default=document.title)
        return best if len(best) <= EVIDENCE_CHARACTERS else best[: EVIDENCE_CHARACTERS - 1] + "…"


def named(texts: Sequence[str], gazetteer: Gazetteer, tagger: Tagger | None) -> list[list[Mention]]:
    """Return whom each text names: names of the list first, then what the tagger finds beside them."""
    listed = [gazetteer.find(text) for text in texts]
    if tagger is None:
        return listed
    placed = [[gazetteer.placed(one) for one in found] for found in tagger.read(texts)]
    return [
        united(own, [one for one in found if one is not None]) for own, found in zip(listed, placed, strict=True)
    ]  # fmt: skip


def _parts(text: str, mentions: Sequence[Mention]) -> dict[str, str]:
    """Return what a text says of each entity, where it names several: the clauses from one name to the next.

    A clause that names nobody speaks of whom the clause before it in its sentence named.
    """
    if len({mention.name for mention in mentions}) < 2:
        return {}
    parts: dict[str, list[str]] = {}
    offset = 0
    for sentence in sentences(text):
        start = text.index(sentence, offset)
        offset = start + len(sentence)
        spoken_of: list[str] = []
        for begin, end in _clauses(sentence):
            here = [m.name for m in mentions if start + begin <= m.start < start + end]
            spoken_of = list(dict.fromkeys(here)) or spoken_of
            for name in spoken_of:
                parts.setdefault(name, []).append(sentence[begin:end].strip())
    return {name: "，".join(clauses) for name, clauses in parts.items()}


def _clauses(sentence: str) -> list[tuple[int, int]]:
    """Return where the clauses of a sentence begin and end."""
    cuts = sorted({0, len(sentence), *(found.start() for found in CLAUSE.finditer(sentence))})
    return list(pairwise(cuts))
