"""What an application of customer service knows: what its files hold, and what people approved since."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from feilun.apps.customer_service.known.entries import FaqEntry, Passage, content, faq_entry, passage, with_learned
from feilun.storage.customer_service_knowledge import IMPORTED, Known, all_knowledge
from feilun.storage.database import Database
from feilun.workflow.applications.customer_service.file import Knowledge


@dataclass(frozen=True)
class Imported:
    """What is known after an import.

    Args:
        entries: The FAQ, approved candidates included, those that are further ways to ask an entry as `learned` of it.
        passages: The documents.
    """

    entries: tuple[FaqEntry, ...]
    passages: tuple[Passage, ...]


def known_to(application: str, database: Database) -> Imported:
    """Return all that an application knows."""
    with database.read() as connection:
        return _imported(all_knowledge(connection, application))


def known_after(
    application: str, known: Iterable[Known], database: Database, origins: Collection[str] = IMPORTED
) -> Imported:
    """Return all that an application will know once `known` has taken the place of what is of some origins."""
    with database.read() as connection:
        staying = [one for one in all_knowledge(connection, application) if one.origin not in origins]
    new = [one for one in known if one.origin in origins]
    return _imported({one.id: one for one in (*new, *staying)}.values())


def rows_of(knowledge: Knowledge) -> list[Known]:
    """Return what files hold as it is kept."""
    entries = [Known(one.id, "faq", "import", content(one)) for one in knowledge.entries]
    return entries + [Known(one.id, "passage", "import", content(one)) for one in knowledge.passages]


def _imported(rows: Iterable[Known]) -> Imported:
    rows = sorted(rows, key=lambda known: known.id)
    entries = [faq_entry(known.id, known.content) for known in rows if known.kind == "faq"]
    learned = [known.content for known in rows if known.kind == "variant"]
    passages = tuple(passage(known.id, known.content) for known in rows if known.kind == "passage")
    return Imported(tuple(with_learned(entries, learned)), passages)
