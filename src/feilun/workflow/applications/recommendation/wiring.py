"""Recommendation wired together: tables are imported, a model is trained and judged, a shop answers from both."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from feilun.apps.recommendation.answering.business_rules import OUTPUTS
from feilun.apps.recommendation.ranking.click_probability import ClickCurve
from feilun.apps.recommendation.ranking.features import features_of
from feilun.apps.recommendation.ranking.model import Model, fit_generators
from feilun.apps.recommendation.ranking.training import fit_ranking
from feilun.apps.recommendation.ranking.trees import Trees
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.catalogue import Catalogue, build_catalogue
from feilun.apps.recommendation.records.context import MOST_MOMENTS, Contexts
from feilun.apps.recommendation.records.interactions import Read, read
from feilun.apps.recommendation.records.sessions import Session
from feilun.apps.recommendation.records.words import WordVectors
from feilun.apps.recommendation.remembered import Remembered, remembered
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.shop import Shop
from feilun.bundles.bundle import open_bundle
from feilun.bundles.registry import resolve
from feilun.core import places
from feilun.core.errors import BundleError, DataError
from feilun.core.files import atomic_folder, read_json, sha256, write_json, write_text
from feilun.core.ports import Embedder
from feilun.core.remark import Remark, joined
from feilun.knowledge.rules import DecisionTables
from feilun.models.bases.packaged import PACKAGED
from feilun.storage.database import Database, open_database
from feilun.storage.event_queue import EventQueue
from feilun.workflow.applications.recommendation.tables import (
    refused_messages,
    take_up_waiting,
    users_of,
    waiting_folder,
)

MANIFEST, RANKING = "manifest.json", "ranking.txt"
SCHEMA = 1
LEAST_KNOWN = 0.5
"""A model of whose catalogue fewer items are left belongs to another shop."""


def embedder_of(name: str | None, texts: list[str], seed: int) -> Embedder:
    """Open what reads the texts.

    Args:
        name: A bundle, a packaged base model, or None for words without a language model.
        texts: Of the items, for the words.
        seed: Of the words' decomposition.

    Raises:
        BundleError: If there is neither a bundle nor a base of that name.
    """
    if name is None:
        return WordVectors(texts, seed=seed)
    if name in PACKAGED:
        from feilun.models.base_embedder import BaseEmbedder
        from feilun.models.bases.catalogue import open_base

        return BaseEmbedder(open_base(name))
    return open_bundle(name)


@dataclass(frozen=True)
class Prepared:
    """An application's data, ready to learn from.

    Args:
        held: All that the database has.
        catalogue: The items with their vectors.
        read: What the events say.
        embedder: Reads texts.
        now: The end of the events, or the present where it is earlier, seconds since 1970.
        contexts: What is known of the users' context, by their table and the lists that they were shown.
    """

    held: Remembered
    catalogue: Catalogue
    read: Read
    embedder: Embedder
    now: float
    contexts: Contexts = field(default_factory=Contexts)


def prepare(settings: RecommendationSettings, database: Database, embedder: Embedder | None = None) -> Prepared:
    """Read an application's data.

    Args:
        settings: Of the application.
        database: Where they are.
        embedder: Reads the items' texts; opened where absent.

    Raises:
        DataError: If there is no item, or the table of users cannot be read.
    """
    held = remembered(database, settings.name)
    reader = embedder or embedder_of(settings.embedder, [item.text for item in held.items], settings.seed)
    catalogue = build_catalogue(held.items, reader)
    now = min(time.time(), max((event.time for event in held.events), default=time.time()))
    contexts = contexts_of(settings, held)
    said = read(held.events, catalogue.index, settings.signals, now, len(catalogue), contexts, settings.context.segment)
    return Prepared(held, catalogue, said, reader, now, contexts)


def contexts_of(settings: RecommendationSettings, held: Remembered, longest: int | None = None) -> Contexts:
    """Gather what is known of the users' context.

    Args:
        settings: Of the application.
        held: All that the database has.
        longest: Latest moments of a user that are remembered; all where absent.
    """
    contexts = Contexts(settings.context.columns, users_of(settings), longest)
    for ranking in held.rankings:
        known = {name: value for name, value in ranking.context.items() if name in settings.context.columns}
        contexts.observe(ranking.user, ranking.time, known)
    return contexts


def train(settings: RecommendationSettings, prepared: Prepared) -> Path:
    """Train an application and keep its final ranking; no user is in what is kept.

    The generators are made again from the events whenever the application is opened, so that who was deleted is in
    none of them.

    Returns:
        The folder.

    Raises:
        DataError: If no event speaks for interest in a known item.
    """
    if not len(prepared.read.positive):
        types = Counter(event.type for event in prepared.held.events).most_common(5)
        kinds = [Remark(f"{count:,} of type {name!r}", f"{count:,} 个的类型是 {name!r}") for name, count in types]
        unknown = prepared.read.unknown
        told = joined([Remark(f"{unknown:,} are of unknown items", f"{unknown:,} 个涉及未知物品"), *kinds])
        raise DataError(
            Remark(
                f"None of the {len(prepared.held.events):,} events speaks for interest in an item of the catalogue "
                f"({told}).",
                f"{len(prepared.held.events):,} 个事件里，没有一个表示对目录中物品的兴趣（{told.chinese}）。",
            ),
            Remark(
                "Import events and items, or name these types in signals.positive of the application's file.",
                "请导入事件和物品，或者把这些类型写进应用文件的 signals.positive。",
            ),
        )
    model = fit_ranking(prepared.read.positive, prepared.catalogue, settings, prepared.held.rankings)
    folder = places.home() / "recommendation" / settings.name
    text = model.trees.to_text() if model.trees else ""
    with atomic_folder(folder) as made:
        write_text(made / RANKING, text)
        write_json(made / MANIFEST, {
            "schema": SCHEMA, "version": _version(text, model), "features": list(model.names),
            "weights": dict(model.weights),
            "clicks": asdict(model.clicks) if model.clicks else None, "items": sorted(prepared.catalogue.index),
            "session": asdict(model.session), "fitted": prepared.now, "sha256": sha256(made / RANKING),
        })  # fmt: skip
    return folder


def session_of(settings: RecommendationSettings) -> Session:
    """Return how much the visit that goes on counts in what was trained; as much as the rest where nothing was."""
    manifest = places.home() / "recommendation" / settings.name / MANIFEST
    return Session(**read_json(manifest).get("session", {})) if manifest.is_file() else Session()


def _version(text: str, model: Model) -> str:
    return hashlib.sha256(f"{text}{sorted(model.weights.items())}".encode()).hexdigest()[:12]


def open_model(settings: RecommendationSettings, prepared: Prepared) -> tuple[Model, str]:
    """Make the generators from the events and put the trained final ranking on them.

    Returns:
        The model and its version; without a training, the generators fused, as version `untrained`.

    Raises:
        BundleError: If the folder is damaged or of a newer schema.
        DataError: If the ranking was trained on another catalogue or with other features.
    """
    folder = places.home() / "recommendation" / settings.name
    again = Remark(
        f"Train it again: feilun recommendation train FILE (of the application {settings.name}).",
        f"请重新训练：feilun recommendation train FILE（应用 {settings.name} 的文件）。",
    )
    manifest = _manifest_of(folder, again)
    model = fit_generators(prepared.read.positive, prepared.catalogue, settings.candidates.quotas, prepared.now)
    if manifest is None:
        return model, "untrained"
    known = sum(item in prepared.catalogue.index for item in manifest["items"])
    if known < LEAST_KNOWN * len(manifest["items"]):
        raise DataError(
            Remark(
f"The final ranking was trained on another catalogue: of its {len(manifest['items']):,} items "
            f"{known:,} are known here.",
f"最终排序是用另一份目录训练的：它的 {len(manifest['items']):,} 个物品中，这里只认识 {known:,} 个。"), again,
        )  # fmt: skip
    names = tuple(name for name in manifest["features"] if name in features_of(settings.context.columns))
    text = (folder / RANKING).read_text(encoding="utf-8")
    trees = Trees.from_text(text, names) if text else None
    clicks = ClickCurve(**manifest["clicks"]) if manifest["clicks"] else None
    session = Session(**manifest.get("session", {}))
    opened = replace(model, names=names, weights=manifest["weights"], trees=trees, clicks=clicks, session=session)
    return opened, str(manifest["version"])


def _manifest_of(folder: Path, again: str) -> dict[str, Any] | None:
    """Read what was written beside a final ranking, which must be whole; None where nothing was trained."""
    if not folder.exists():
        return None
    try:
        manifest: dict[str, Any] = read_json(folder / MANIFEST)
        whole = manifest["schema"] == SCHEMA and manifest["sha256"] == sha256(folder / RANKING)
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise BundleError(
            Remark(
                f"{folder} is damaged, or of another version of Feilun.", f"{folder} 已损坏，或由别的版本的飞轮写成。"
            ),
            again,
        )
    return manifest


def tables_of(settings: RecommendationSettings) -> DecisionTables:
    """Open the decision tables of an application.

    Raises:
        DataError: If a file is no decision table, or names outputs that are not known.
        MissingExtra: If zen-engine is not installed.
    """
    return DecisionTables([Path(name) for name in settings.rules.tables], OUTPUTS)


def open_shop(
    settings: RecommendationSettings, database: Database, prepared: Prepared, seed: int | None = None
) -> Shop:
    """Open an application: its model, and what its users did."""
    model, version = open_model(settings, prepared)
    contexts = contexts_of(settings, prepared.held, MOST_MOMENTS)
    recommender = Recommender(model, settings, prepared.embedder, version, seed, contexts, tables_of(settings))
    recommender.observe(prepared.held.events, learned=True)
    queue = EventQueue(waiting_folder(settings))
    return Shop(recommender, database, settings.name, queue, refused_messages(settings))


@contextmanager
def opened_shop(settings: RecommendationSettings) -> Iterator[Shop]:
    """Open database and shop for the length of a block."""
    database = open_database()
    try:
        take_up_waiting(settings, database)
        yield open_shop(settings, database, prepare(settings, database))
    finally:
        database.close()


def embedder_exists(name: str) -> bool:
    """Return whether a name is a bundle or a base at hand."""
    if name in PACKAGED:
        return PACKAGED[name].installed() or PACKAGED[name].folder.exists()
    try:
        return resolve(name).exists()
    except BundleError:
        return False
