"""Recommendation wired together: tables are imported, a model is trained and judged, a shop answers from both."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from feilun.apps.recommendation.catalogue import Catalogue, build_catalogue
from feilun.apps.recommendation.click_probability import ClickCurve
from feilun.apps.recommendation.cold import judge_cold
from feilun.apps.recommendation.events import Interaction, Item
from feilun.apps.recommendation.features import COLLABORATIVE, CONTEXTUAL, FEATURES, TEXTUAL
from feilun.apps.recommendation.interactions import Interactions, Read, read
from feilun.apps.recommendation.judging import BASELINES, Judged, judge, scorer_of, scorer_of_model
from feilun.apps.recommendation.model import Model, fit_generators
from feilun.apps.recommendation.ranker import Trees
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.shop import Remembered, Shop, remembered
from feilun.apps.recommendation.training import fit
from feilun.apps.recommendation.words import WordVectors
from feilun.bundles.bundle import open_bundle
from feilun.bundles.registry import resolve
from feilun.core import places
from feilun.core.errors import BundleError, DataError, UsageError
from feilun.core.files import atomic_folder, read_json, sha256, write_json, write_text
from feilun.core.ports import Embedder
from feilun.evaluation.protocols import split
from feilun.models.bases.packaged import PACKAGED
from feilun.serving.access import Access
from feilun.serving.connection import patient_for
from feilun.serving.drain import DRAIN_SECONDS, DrainingServer
from feilun.serving.limits import Limits
from feilun.storage import recommendation as storage
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.recommendation_file import Imported
from feilun.workflow.service import access_to, is_loopback, listen

MANIFEST, RANKING = "manifest.json", "ranking.txt"
SCHEMA = 1
LEAST_KNOWN = 0.5
"""A model of whose catalogue fewer items are left belongs to another shop."""

ABLATIONS: Mapping[str, tuple[str, ...]] = {
    "without text": TEXTUAL,
    "without collaborative": COLLABORATIVE,
    "without context": CONTEXTUAL,
}


@dataclass(frozen=True)
class Evaluation:
    """A recommender beside what it must beat.

    Args:
        rows: By name, the figures on the last tenth of the interactions in time.
        cold: The text model and the category mean on items hidden from training.
        users: Users judged.
        items: Items ranked for each.
    """

    rows: Mapping[str, Judged]
    cold: Mapping[str, Judged]
    users: int
    items: int

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return {"users": self.users, "items": self.items, "rows": _json(self.rows), "cold": _json(self.cold)}


def _json(rows: Mapping[str, Judged]) -> dict[str, Any]:
    return {name: {**{m: asdict(f) for m, f in one.figures.items()}, **one.catalogue} for name, one in rows.items()}


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
        from feilun.models.bases.catalogue import open_base
        from feilun.workflow.applications.base_embedder import BaseEmbedder

        return BaseEmbedder(open_base(name))
    return open_bundle(name)


def put_items(database: Database, settings: RecommendationSettings, items: list[Item]) -> None:
    """Write items into the application's catalogue."""
    with database.write() as connection:
        storage.put_items(connection, settings.name, {item.id: asdict(item) for item in items})


def put_events(database: Database, settings: RecommendationSettings, events: list[Interaction]) -> int:
    """Write events; those whose ids are known are left out. Return how many were new."""
    with database.write() as connection:
        return len(storage.add_interactions(connection, settings.name, [asdict(event) for event in events]))


def take_tables(
    database: Database, settings: RecommendationSettings, load: Callable[[str], Imported[Any]], source: str | None,
    put: Callable[[Database, RecommendationSettings, list[Any]], Any], say: Callable[[str], Any],
) -> None:  # fmt: skip
    """Import a table where the application names one, and say what was left out."""
    if source is None:
        return
    found = load(source)
    put(database, settings, found.rows)
    say(f"{source}: {len(found.rows):,} rows" + (f", {found.left_out:,} could not be read:" if found.left_out else ""))
    for fault in found.faults:
        say(f"  - {fault}")


@dataclass(frozen=True)
class Prepared:
    """An application's data, ready to learn from.

    Args:
        held: All that the database has.
        catalogue: The items with their vectors.
        read: What the events say.
        embedder: Reads texts.
        now: The end of the events, or the present where it is earlier, seconds since 1970.
    """

    held: Remembered
    catalogue: Catalogue
    read: Read
    embedder: Embedder
    now: float


def prepare(settings: RecommendationSettings, database: Database, embedder: Embedder | None = None) -> Prepared:
    """Read an application's data.

    Args:
        settings: Of the application.
        database: Where they are.
        embedder: Reads the items' texts; opened where absent.

    Raises:
        DataError: If there is no item.
    """
    held = remembered(database, settings.name)
    reader = embedder or embedder_of(settings.embedder, [item.text for item in held.items], settings.seed)
    catalogue = build_catalogue(held.items, reader)
    now = min(time.time(), max((event.time for event in held.events), default=time.time()))
    return Prepared(
        held, catalogue, read(held.events, catalogue.index, settings.signals, now, len(catalogue)), reader, now
    )


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
        raise DataError(
            f"None of the {len(prepared.held.events):,} events speaks for interest in an item of the catalogue "
            f"({prepared.read.unknown:,} are of unknown items).",
            "Import events and items, or look at signals.positive of the application file.",
        )
    model = fit(prepared.read.positive, prepared.catalogue, settings, prepared.now, prepared.held.rankings)
    folder = places.home() / "recommendation" / settings.name
    text = model.trees.to_text() if model.trees else ""
    with atomic_folder(folder) as made:
        write_text(made / RANKING, text)
        write_json(made / MANIFEST, {
            "schema": SCHEMA, "version": hashlib.sha256(text.encode()).hexdigest()[:12], "features": list(model.names),
            "clicks": asdict(model.clicks) if model.clicks else None, "items": sorted(prepared.catalogue.index),
            "fitted": prepared.now, "sha256": sha256(made / RANKING),
        })  # fmt: skip
    return folder


def open_model(settings: RecommendationSettings, prepared: Prepared) -> tuple[Model, str]:
    """Make the generators from the events and put the trained final ranking on them.

    Returns:
        The model and its version; without a training, the generators fused, as version `untrained`.

    Raises:
        BundleError: If the folder is damaged or of a newer schema.
        DataError: If the ranking was trained on another catalogue or with other features.
    """
    model = fit_generators(prepared.read.positive, prepared.catalogue, settings.candidates.quotas, prepared.now)
    folder = places.home() / "recommendation" / settings.name
    if not (folder / MANIFEST).is_file():
        return model, "untrained"
    manifest = read_json(folder / MANIFEST)
    again = f"Train it again: feilun recommendation train FILE (of the application {settings.name})."
    if manifest.get("schema") != SCHEMA or sha256(folder / RANKING) != manifest.get("sha256"):
        raise BundleError(f"{folder} is damaged, or of another version of Feilun.", again)
    known = sum(item in prepared.catalogue.index for item in manifest["items"])
    if known < LEAST_KNOWN * len(manifest["items"]):
        raise DataError(
            f"The final ranking was trained on another catalogue: of its {len(manifest['items']):,} items "
            f"{known:,} are known here.", again,
        )  # fmt: skip
    names = tuple(name for name in manifest["features"] if name in FEATURES)
    text = (folder / RANKING).read_text(encoding="utf-8")
    trees = Trees.from_text(text, names) if text else None
    clicks = ClickCurve(**manifest["clicks"]) if manifest["clicks"] else None
    return replace(model, names=names, trees=trees, clicks=clicks), str(manifest["version"])


def open_shop(
    settings: RecommendationSettings, database: Database, prepared: Prepared, seed: int | None = None
) -> Shop:
    """Open an application: its model, and what its users did."""
    model, version = open_model(settings, prepared)
    recommender = Recommender(model, settings, prepared.embedder, version, seed)
    recommender.observe(prepared.held.events)
    return Shop(recommender, database, settings.name)


@contextmanager
def opened_shop(settings: RecommendationSettings) -> Iterator[Shop]:
    """Open database and shop for the length of a block."""
    database = open_database()
    try:
        yield open_shop(settings, database, prepare(settings, database))
    finally:
        database.close()


def evaluate(settings: RecommendationSettings, prepared: Prepared, say: Callable[[str], Any] = print) -> Evaluation:
    """Judge an application on the last tenth of its interactions in time, over the whole catalogue.

    Args:
        settings: Of the application.
        prepared: Its data.
        say: Is told what is done.

    Raises:
        UsageError: If there is too little to judge on.
    """
    everything = prepared.read.positive
    parts = split("temporal", everything.user, everything.time)
    known = everything.select(np.sort(np.concatenate([parts.train, parts.validation])))
    held_out = everything.select(parts.test)
    if not len(known) or not len(held_out):
        raise UsageError(
            f"{len(everything):,} interactions are too few to judge on.", "Import more events, over a longer time."
        )
    now, catalogue = float(held_out.time.min()), prepared.catalogue
    rows = {}
    for name, make in BASELINES.items():
        say(f"judging {name}")
        rows[name] = judge(scorer_of(make().fit(known, catalogue, now), len(catalogue)), known, held_out, catalogue)
    for name, without in ABLATIONS.items():
        say(f"judging ours {name}")
        rows[f"ours, {name}"] = _judged(_ablated(settings, without), known, held_out, prepared, now)
    say("judging ours")
    rows["ours"] = _judged(settings, known, held_out, prepared, now)
    cold = judge_cold(everything, catalogue, settings.seed, prepared.now)
    return Evaluation(rows, cold, len(np.unique(held_out.user)), len(catalogue))


def _judged(
    settings: RecommendationSettings, known: Interactions, held_out: Interactions, prepared: Prepared, now: float
) -> Judged:
    before = [ranking for ranking in prepared.held.rankings if ranking.time < now]
    model = fit(known, prepared.catalogue, settings, now, before)
    scorer = scorer_of_model(model, settings.candidates.quotas, now, prepared.catalogue.shown)
    return judge(scorer, known, held_out, prepared.catalogue)


def _ablated(settings: RecommendationSettings, without: tuple[str, ...]) -> RecommendationSettings:
    quotas = {name: quota for name, quota in settings.candidates.quotas.items() if name not in without}
    ranking = replace(settings.ranking, without=(*settings.ranking.without, *without))
    return replace(
        settings, candidates=replace(settings.candidates, quotas=quotas or {"popular": 100}), ranking=ranking
    )


def embedder_exists(name: str) -> bool:
    """Return whether a name is a bundle or a base at hand."""
    if name in PACKAGED:
        return PACKAGED[name].installed() or PACKAGED[name].folder.exists()
    try:
        return resolve(name).exists()
    except BundleError:
        return False


def serve(
    settings: RecommendationSettings, application: Callable[[Shop, Access], Any], *, host: str, port: int,
    require_token: bool, hosts: Sequence[str], say: Callable[[str], Any],
) -> None:  # fmt: skip
    """Serve an application over HTTP until Ctrl-C or SIGTERM.

    Args:
        settings: Of the application.
        application: Makes an ASGI application of a shop, with `state.ready`.
        host: Address to listen on; any but this machine's own asks for a token.
        port: TCP port; 0 takes a free one.
        require_token: Ask for a token also on this machine's own addresses.
        hosts: Further names by which the service may be called.
        say: Receives the addresses, a line each.

    Raises:
        UsageError: If a token is asked for and there is none.
        ServiceError: If the port is in use or may not be used.
    """
    listener = listen(host, port)
    try:
        with opened_shop(settings) as shop:
            guarded = require_token or not is_loopback(host)
            app = application(shop, access_to(host, shop.database if guarded else None, hosts))
            address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
            say(f"{settings.name}@{shop.recommender.version}  POST {address}/v1/apps/recommendation/recommend")
            say(f"Documentation: {address}/docs  Stop with Ctrl-C.")
            limits = Limits()
            config = uvicorn.Config(
                app, http=patient_for(limits.slow_seconds), limit_concurrency=limits.connections,
                log_level="warning", timeout_graceful_shutdown=DRAIN_SECONDS,
            )  # fmt: skip

            def leave() -> None:
                app.state.ready = False

            DrainingServer(config, leave).run(sockets=[listener])
    finally:
        listener.close()
