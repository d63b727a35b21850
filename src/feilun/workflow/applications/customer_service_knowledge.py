"""What an application of customer service knows: what its files hold, and what people approved since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from feilun.apps.customer_service.entries import FaqEntry, Passage, content, faq_entry, passage, with_learned
from feilun.storage import customer_service as storage
from feilun.storage.customer_service import Known
from feilun.storage.database import Database
from feilun.workflow.applications.customer_service_file import Knowledge


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
        return _imported(storage.all_knowledge(connection, application))


def known_after(application: str, knowledge: Knowledge, database: Database) -> Imported:
    """Return all that an application will know once `knowledge` has taken the place of what was imported before."""
    with database.read() as connection:
        approved = [known for known in storage.all_knowledge(connection, application) if known.origin != "import"]
    return _imported({known.id: known for known in (*rows_of(knowledge), *approved)}.values())


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
