"""Recommendation wired together: tables are imported, a model is trained and judged, a shop answers from both."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feilun.apps.recommendation.answering.business_rules import OUTPUTS
from feilun.apps.recommendation.ranking.click_probability import ClickCurve
from feilun.apps.recommendation.ranking.features import features_of
from feilun.apps.recommendation.ranking.model import Model, fit_generators
from feilun.apps.recommendation.ranking.training import fit_ranking
from feilun.apps.recommendation.ranking.trees import Trees
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.context import MOST_MOMENTS
from feilun.apps.recommendation.records.sessions import Session
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.shop import Shop
from feilun.core.errors import BundleError, DataError
from feilun.core.files import atomic_folder, read_json, sha256, write_json, write_text
from feilun.core.remark import Remark
from feilun.knowledge.rules import DecisionTables
from feilun.storage.database import Database, open_database
from feilun.storage.event_queue import EventQueue
from feilun.workflow.applications.recommendation.interest import keep_only
from feilun.workflow.applications.recommendation.prepared import (
    MANIFEST,
    Prepared,
    contexts_of,
    folder_of,
    prepare,
    taught,
)
from feilun.workflow.applications.recommendation.tables import refused_messages, take_up_waiting, waiting_folder

if TYPE_CHECKING:
    from feilun.workflow.screen import Screen

RANKING = "ranking.txt"
SCHEMA = 1
LEAST_KNOWN = 0.5
"""A model of whose catalogue fewer items are left belongs to another shop."""


def train(settings: RecommendationSettings, prepared: Prepared, screen: Screen | None = None) -> Path:
    """Train an application and keep its final ranking; no user is in what is kept.

    The generators are made again from the events whenever the application is opened, so that who was deleted is in
    none of them.

    Args:
        settings: Of the application.
        prepared: Its data; where an interest model is wanted, texts are read again by it.
        screen: What the user sees of its training.

    Returns:
        The folder.

    Raises:
        DataError: If no event speaks for interest in a known item.
    """
    if not len(prepared.read.positive):
        types = Counter(event.type for event in prepared.held.events).most_common(5)
        raise _without_interest(len(prepared.held.events), prepared.read.unknown, types)
    prepared = taught(settings, prepared, prepared.read.positive, screen)
    model = fit_ranking(prepared.read.positive, prepared.catalogue, settings, prepared.held.rankings)
    folder = folder_of(settings)
    text = model.trees.to_text() if model.trees else ""
    with atomic_folder(folder) as made:
        write_text(made / RANKING, text)
        write_json(made / MANIFEST, {
            "schema": SCHEMA, "version": _version(text, model), "features": list(model.names),
            "weights": dict(model.weights),
            "clicks": asdict(model.clicks) if model.clicks else None, "items": sorted(prepared.catalogue.index),
            "session": asdict(model.session), "fitted": prepared.now, "interest": prepared.interest,
            "sha256": sha256(made / RANKING),
        })  # fmt: skip
    keep_only(settings, prepared.interest)
    return folder


def _without_interest(events: int, unknown: int, types: Sequence[tuple[str, int]]) -> DataError:
    """Return what says that no event tells what somebody likes."""
    told = "".join(f"; {count:,} of type {name!r}" for name, count in types)
    told_zh = "".join(f"；类型 {name!r} 的有 {count:,} 个" for name, count in types)
    return DataError(
        Remark(
            f"None of the {events:,} events speaks for interest in an item of the catalogue "
            f"({unknown:,} are of unknown items{told}).",
            f"{events:,} 个事件中，没有一个表示对目录中的商品感兴趣（{unknown:,} 个属于未知商品{told_zh}）。",
        ),
        Remark(
            "Import events and items, or name these types in signals.positive of the application's file.",
            "请导入事件和商品，或在应用文件的 signals.positive 中写明这些类型。",
        ),
    )


def session_of(settings: RecommendationSettings) -> Session:
    """Return how much the visit that goes on counts in what was trained; as much as the rest where nothing was."""
    manifest = folder_of(settings) / MANIFEST
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
    folder = folder_of(settings)
    again = Remark(
        f"Train it again: feilun recommendation train FILE (of the application {settings.name}).",
        f"请重新训练：feilun recommendation train FILE（应用 {settings.name}）。",
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
                f"精排是用另一个目录训练的：它的 {len(manifest['items']):,} 个商品中，这里只认识 {known:,} 个。",
            ),
            again,
        )
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
                f"{folder} is damaged, or of another version of Feilun.", f"{folder} 已损坏，或属于飞轮的另一个版本。"
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
