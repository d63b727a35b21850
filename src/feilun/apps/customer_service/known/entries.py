"""What customer service knows: curated questions with their answers, and passages of documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from feilun.apps.customer_service.words.phrases import language_of


@dataclass(frozen=True)
class FaqEntry:
    """A question with its curated answer.

    Args:
        id: Names it.
        question: As it is shown.
        answer: A template; `{order_number}` and the like are filled.
        variants: Other ways to ask it.
        category: What it is about; its intent.
        learned: Ways in which customers asked it, as people said since; no threshold is chosen on them.
    """

    id: str
    question: str
    answer: str
    variants: tuple[str, ...] = ()
    category: str = ""
    learned: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Return all ways to ask it."""
        return (self.question, *self.variants, *self.learned)

    @property
    def speaks(self) -> bool:
        """Say whether its answer stands for itself: it has one, and that has no slots."""
        return bool(self.answer) and "{" not in self.answer

    @property
    def language(self) -> str:
        """Return the language of the question: zh or en."""
        return language_of(self.question)


@dataclass(frozen=True)
class Passage:
    """A passage of a document.

    Args:
        id: Names it.
        document: The document's file name.
        headings: The headings above it, outermost first.
        place: Where it begins, such as `line 12` or `page 3`.
        text: Its text.
    """

    id: str
    document: str
    headings: tuple[str, ...]
    place: str
    text: str

    @property
    def where(self) -> str:
        """Return headings and place as one line."""
        return " › ".join([*self.headings, self.place])

    @property
    def language(self) -> str:
        """Return the language of the text: zh or en."""
        return language_of(self.text)


def content(one: FaqEntry | Passage) -> dict[str, Any]:
    """Return the fields of an entry or passage besides its id, as JSON; what an entry learned is kept for itself."""
    fields = asdict(one).items()
    return {name: list(v) if isinstance(v, tuple) else v for name, v in fields if name not in {"id", "learned"}}


def faq_entry(identity: str, fields: Mapping[str, Any]) -> FaqEntry:
    """Read what `content` gave."""
    return FaqEntry(identity, fields["question"], fields["answer"], tuple(fields["variants"]), fields["category"])


def with_learned(entries: Iterable[FaqEntry], learned: Iterable[Mapping[str, Any]]) -> list[FaqEntry]:
    """Return entries with further ways to ask them.

    Args:
        entries: The entries.
        learned: Of each way its `text`, the `entry` that it asks, and that one's `question`, by which it is found where
            its answer was changed meanwhile. A way to ask what is no longer there is left out.
    """
    found = {entry.id: entry for entry in entries}
    by_question = {entry.question: entry.id for entry in found.values()}
    for one in learned:
        identity = one["entry"] if one["entry"] in found else by_question.get(one["question"], "")
        entry = found.get(identity)
        if entry is not None and one["text"] not in entry.texts:
            found[identity] = replace(entry, learned=(*entry.learned, one["text"]))
    return list(found.values())


def passage(identity: str, fields: Mapping[str, Any]) -> Passage:
    """Read what `content` gave."""
    return Passage(identity, fields["document"], tuple(fields["headings"]), fields["place"], fields["text"])


def identity_of(*parts: str) -> str:
    """Return an id that follows from content, so that an unchanged entry keeps its own over imports."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
