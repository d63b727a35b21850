"""Customer service, wired: files become knowledge, a recipe gives its model, both stand behind the desk."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feilun.apps.customer_service.business_rules import OUTPUTS, BusinessRules
from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.entries import FaqEntry, Passage, content, faq_entry, passage
from feilun.apps.customer_service.held_out import FEWEST, Thresholds, held_out, thresholds
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.library import Library
from feilun.apps.customer_service.rungs.form import form_entries
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.errors import DataError, UsageError
from feilun.core.files import atomic_file, read_json, write_json
from feilun.core.places import home
from feilun.knowledge.rules import DecisionTables
from feilun.knowledge.terms import simplified
from feilun.storage import customer_service as storage
from feilun.storage.customer_service import Known
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.customer_service_file import Knowledge, read_knowledge
from feilun.workflow.recipe import from_table
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train as train_recipe
from feilun.workflow.top_layers import top_layers


@dataclass(frozen=True)
class Imported:
    """What is known after an import.

    Args:
        entries: The FAQ, approved candidates included.
        passages: The documents.
    """

    entries: tuple[FaqEntry, ...]
    passages: tuple[Passage, ...]


def import_knowledge(settings: CustomerServiceSettings, database: Database) -> tuple[Knowledge, Imported]:
    """Read an application's files and put what they hold in the place of what was imported before.

    Args:
        settings: The application.
        database: Where it is kept.

    Returns:
        What the files hold, and all that is known now.

    Raises:
        DataError: If a file is not as it must be; nothing was changed.
    """
    knowledge = read_knowledge(settings)
    known = [Known(one.id, "faq", "import", content(one)) for one in knowledge.entries]
    known += [Known(one.id, "passage", "import", content(one)) for one in knowledge.passages]
    with database.write() as connection:
        kept = {k.id for k in storage.all_knowledge(connection, settings.name) if k.origin != "import"}
        fresh = [one for one in known if one.id not in kept]
        storage.replace_knowledge(connection, settings.name, fresh)
    return knowledge, known_to(settings.name, database)


def known_to(application: str, database: Database) -> Imported:
    """Return all that an application knows."""
    with database.read() as connection:
        known = storage.all_knowledge(connection, application)
    entries = tuple(faq_entry(k.id, k.content) for k in known if k.kind == "faq")
    return Imported(entries, tuple(passage(k.id, k.content) for k in known if k.kind == "passage"))


def train(settings: CustomerServiceSettings, database: Database, *, screen: Screen = silent) -> Thresholds:
    """Import the files, fine-tune what questions are found by, and calibrate the ladder on held-out questions.

    Args:
        settings: The application.
        database: Where its knowledge is kept.
        screen: What the user sees meanwhile.

    Returns:
        The thresholds; they, and the name of the bundle, are kept under FEILUN_HOME.

    Raises:
        DataError: If too few FAQ entries have variants.
    """
    knowledge, known = import_knowledge(settings, database)
    screen.say(f"{len(known.entries)} FAQ entries and {len(known.passages)} passages of documents.")
    entries = [*known.entries, *form_entries(settings.forms)]
    bundle = _train_embedder(settings, entries, knowledge.answered, screen)
    found = thresholds(
        bundle,
        entries,
        known.passages,
        declined=settings.ladder.declined,
        precision=settings.ladder.precision,
    )
    write_json(_place(settings.name), {"bundle": f"{bundle.name}@{bundle.version}", "thresholds": found.to_json()})
    return found


@contextmanager
def opened(settings: CustomerServiceSettings) -> Iterator[Desk]:
    """Open an application that was trained, for the length of a block.

    Raises:
        UsageError: If it was not trained yet.
        BundleError: If its bundle is gone or damaged.
    """
    place = _place(settings.name)
    if not place.is_file():
        raise UsageError(f"{settings.name} was not trained here.", "Train it: feilun customer-service train FILE")
    kept = read_json(place)
    bundle = open_bundle(str(kept["bundle"]))
    database = open_database()
    try:
        yield desk_of(settings, bundle, Thresholds.from_json(kept["thresholds"]), database)
    finally:
        database.close()


def desk_of(settings: CustomerServiceSettings, bundle: Bundle, found: Thresholds, database: Database) -> Desk:
    """Put an application together: its index is built from what the database holds."""
    known = known_to(settings.name, database)
    library = Library(bundle, [*known.entries, *form_entries(settings.forms)], known.passages)
    rules = BusinessRules(DecisionTables([Path(name) for name in settings.rules.tables], OUTPUTS))
    return Desk(settings, Ladder(library, found, settings), database, rules)


def pairs_of(entries: Sequence[FaqEntry], answered: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return pairs of texts that belong together: ways to ask the same, each with the next, and with their answer.

    The variants on which the ladder is calibrated are not among them.

    Args:
        entries: The FAQ.
        answered: Sayings of customers with what was answered to them.

    Returns:
        Both texts and the name of what they belong to: texts of one name are no negatives of each other.
    """
    held = held_out(entries)
    pairs = {pair: f"said {number}" for number, pair in enumerate(answered)}
    for entry in entries:
        ways = [text for text in entry.texts if text != held.get(entry.id)]
        pairs |= {pair: entry.id for pair in zip(ways, [*ways[1:], ways[0]], strict=True) if pair[0] != pair[1]}
        pairs |= {(way, entry.answer): entry.id for way in ways if entry.speaks}
    return [(one, other, name) for (one, other), name in pairs.items()]


def _train_embedder(
    settings: CustomerServiceSettings, entries: Sequence[FaqEntry], answered: Sequence[tuple[str, str]], screen: Screen
) -> Bundle:
    """Fine-tune the base so that texts which belong together lie together (recipe `match` with two encoders)."""
    variants = held_out(entries)
    held = [(entry.question, variants[entry.id], f"held {entry.id}") for entry in entries if entry.id in variants]
    if len(held) < FEWEST:
        raise DataError(
            f"Only {len(held)} FAQ entries have two variants or more; at least {FEWEST} are needed to learn from.",
            "Give entries further ways to ask them in the column `variants`.",
        )
    parts = {"train": pairs_of(entries, answered), "validation": held[::2], "test": held[1::2]}
    files = {name: str(_folder(settings.name) / f"{name}.csv") for name in parts}
    for name, pairs in parts.items():
        with atomic_file(Path(files[name])) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "pair", "name"), *[tuple(map(simplified, pair)) for pair in pairs]])
    recipe: dict[str, Any] = {
        "task": "match",
        "name": f"{settings.name}-questions",
        "data": {**files, "pair": "pair", "target": [], "group": "name", "clean": {"deduplicate": "exact"}},
        "model": {
            "encoder": "bi", "base": settings.model.base, "max_tokens": 64, **top_layers(settings.model.layers)
        },
        "training": {
            "epochs": settings.model.epochs, "seed": settings.model.seed, "batch_rows": 32,
            "early_stopping": {"metric": "mrr@10"},
        },
    }  # fmt: skip
    return train_recipe(from_table(recipe), resume=True, screen=screen)


def _folder(application: str) -> Path:
    return home() / "applications" / application


def _place(application: str) -> Path:
    return _folder(application) / "customer_service.json"
