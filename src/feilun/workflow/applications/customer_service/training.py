"""What customer service learns from, the recipe by which it does, and the release of what it learned."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feilun.apps.customer_service.finding.held_out import (
    FEWEST,
    Thresholds,
    held_out,
    spelt_alike,
    thresholds,
    without_held_out,
)
from feilun.apps.customer_service.improving.asking import taught_by
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.rungs.form import form_entries
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.errors import BundleError, DataError
from feilun.core.files import atomic_file
from feilun.knowledge.terms import simplified
from feilun.storage import customer_service as storage
from feilun.storage.database import Database
from feilun.workflow.applications.customer_service.file import read_knowledge
from feilun.workflow.applications.customer_service.knowledge import known_after, rows_of
from feilun.workflow.applications.customer_service.release import Proposal, release
from feilun.workflow.applications.customer_service.version import (
    Version,
    folder_of,
    keep_refused,
    refused,
    reranker_of,
    standing,
)  # fmt: skip
from feilun.workflow.getting_started.beginnings import top_layers
from feilun.workflow.recipe import from_table
from feilun.workflow.screen import Screen, silent
from feilun.workflow.steps import train as train_recipe

Pair = tuple[str, str, str]
"""Two texts that belong together, and the name of what they belong to: texts of one name are no negatives of each
other."""


def train(
    settings: CustomerServiceSettings, database: Database, *, force: str | None = None, screen: Screen = silent
) -> Thresholds:
    """Read the files, fine-tune what questions are found by, calibrate the ladder, and release all of it.

    Args:
        settings: The application.
        database: Where its knowledge is kept.
        force: Why it is released although the suite falls; goes to the audit log.
        screen: What the user sees meanwhile.

    Returns:
        The thresholds; they, and the name of the bundle, are kept under FEILUN_HOME.

    Raises:
        DataError: If too few FAQ entries have variants.
        GateNotMet: If the application's suite falls: what stood before goes on to, and what was trained is kept.
    """
    knowledge = read_knowledge(settings)
    rows = rows_of(knowledge)
    known = known_after(settings.name, rows, database)
    screen.say(f"{len(known.entries)} FAQ entries and {len(known.passages)} passages of documents.")
    entries = [*known.entries, *form_entries(settings.forms)]
    reranker = reranker_of(settings.model.reranker)
    taught = taught_by_people(settings.name, database)
    learned = sum(len(entry.learned) for entry in known.entries)
    screen.say(f"Learned since: {len(taught)} answers that people gave, {learned} further ways to ask what is known.")
    bundle, learned_from = trained(settings, entries, [*knowledge.answered, *taught], screen)
    wanted = settings.ladder
    found = thresholds(
        bundle, entries, known.passages, declined=wanted.declined, precision=wanted.precision, reranker=reranker
    )
    version = Version(f"{bundle.name}@{bundle.version}", found, learned_from, settings.model.reranker)
    keep_refused(settings.name, version)
    release(settings, database, Proposal(version, rows), force=force, say=screen.say)
    return found


def taught_by_people(application: str, database: Database) -> list[tuple[str, str]]:
    """Return what customers asked in conversations that were held, with what people answered."""
    with database.read() as connection:
        helped = storage.helped_by_people(connection, application)
    return list(dict.fromkeys(pair for turns in helped for pair in taught_by(turns)))


def pairs_of(entries: Sequence[FaqEntry], answered: Sequence[tuple[str, str]]) -> list[Pair]:
    """Return pairs of texts that belong together: ways to ask the same, each with the next, and with their answer.

    The variants on which the ladder is calibrated are not among them, in whatever entry or saying they stand.

    Args:
        entries: The FAQ.
        answered: Sayings of customers with what was answered to them.
    """
    held = held_out(entries)
    apart = {spelt_alike(text) for text in held.values()}
    pairs = {pair: f"said {number}" for number, pair in enumerate(answered)}
    for entry in without_held_out(entries, held):
        ways = entry.texts
        pairs |= {pair: entry.id for pair in zip(ways, [*ways[1:], ways[0]], strict=True) if pair[0] != pair[1]}
        pairs |= {(way, entry.answer): entry.id for way in ways if entry.speaks}
    return [(one, other, name) for (one, other), name in pairs.items() if not apart & {*map(spelt_alike, (one, other))}]


def trained(
    settings: CustomerServiceSettings, entries: Sequence[FaqEntry], answered: Sequence[tuple[str, str]], screen: Screen
) -> tuple[Bundle, str]:
    """Fine-tune the base so that texts which belong together lie together (recipe `match` with two encoders).

    A version that learned from just the same is taken as it is.

    Returns:
        The bundle, and the hash of what it learned from.

    Raises:
        DataError: If too few entries have variants.
    """
    variants = held_out(entries)
    held = [(entry.question, variants[entry.id], f"held {entry.id}") for entry in entries if entry.id in variants]
    if len(held) < FEWEST:
        raise DataError(
            f"Only {len(held)} FAQ entries have two variants or more; at least {FEWEST} are needed to learn from.",
            "Give entries further ways to ask them in the column `variants`, with | between them.",
        )
    parts = {"train": pairs_of(entries, answered), "validation": held[::2], "test": held[1::2]}
    learned_from = hashlib.sha256(json.dumps([parts, _recipe(settings, {})], sort_keys=True).encode()).hexdigest()
    known = _learned_before(settings.name, learned_from)
    if known is not None:
        screen.say(f"{known.name}@{known.version} learned from just the same: it is taken.")
        return known, learned_from
    recipe = from_table(_recipe(settings, _written(settings.name, parts)))
    return train_recipe(recipe, resume=True, screen=screen), learned_from


def _learned_before(application: str, learned_from: str) -> Bundle | None:
    for version in (refused(application), standing(application)):
        if version is not None and version.learned_from == learned_from:
            try:
                return open_bundle(version.bundle)
            except BundleError:  # gone or damaged: it is trained again
                continue
    return None


def _written(application: str, parts: Mapping[str, Sequence[Pair]]) -> dict[str, str]:
    files = {name: str(folder_of(application) / f"{name}.csv") for name in parts}
    for name, pairs in parts.items():
        with atomic_file(Path(files[name])) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "pair", "name"), *[tuple(map(simplified, pair)) for pair in pairs]])
    return files


def _recipe(settings: CustomerServiceSettings, files: Mapping[str, str]) -> dict[str, Any]:
    return {
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
