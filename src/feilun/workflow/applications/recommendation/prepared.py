"""An application's data, read for learning or for answering."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from feilun.apps.recommendation.interest.reader import HistoryReader
from feilun.apps.recommendation.records.catalogue import Catalogue, build_catalogue, text_vectors
from feilun.apps.recommendation.records.context import Contexts
from feilun.apps.recommendation.records.interactions import Interactions, Read, read
from feilun.apps.recommendation.records.words import WordVectors
from feilun.apps.recommendation.settings import RecommendationSettings
from feilun.apps.recommendation.stored_data import StoredData, stored_data
from feilun.bundles.bundle import open_bundle
from feilun.bundles.registry import resolve
from feilun.core import places
from feilun.core.corpus import Corpus
from feilun.core.errors import BundleError
from feilun.core.files import read_json
from feilun.core.ports import Embedder
from feilun.models.bases.packaged import PACKAGED
from feilun.storage.database import Database
from feilun.workflow.applications.recommendation.interest import history_reader, opened, tuned
from feilun.workflow.applications.recommendation.tables import users_of

if TYPE_CHECKING:
    from feilun.workflow.screen import Screen

MANIFEST = "manifest.json"


def folder_of(settings: RecommendationSettings) -> Path:
    """Return where the trained part of an application is kept."""
    return places.home() / "recommendation" / settings.name


class Unread:
    """An Embedder that reads nothing, for texts that are read once it is known by what."""

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return zeros, shape (rows, 1)."""
        return np.zeros((len(corpus), 1), np.float32)


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
        interest: Names the interest model that reads texts and histories; None where there is none.
    """

    held: StoredData
    catalogue: Catalogue
    read: Read
    embedder: Embedder
    now: float
    contexts: Contexts = field(default_factory=Contexts)
    interest: str | None = None

    def read_by(self, embedder: Embedder, reader: HistoryReader | None, interest: str | None = None) -> Prepared:
        """Return the same data with the items' texts read by another model.

        Args:
            embedder: Reads texts.
            reader: Reads histories, where the model is an interest model.
            interest: Its name, where it is one.
        """
        vectors = text_vectors([item.text for item in self.catalogue.items], embedder)
        catalogue = replace(self.catalogue, vectors=vectors, reader=reader)
        return replace(self, catalogue=catalogue, embedder=embedder, interest=interest)


def prepare(settings: RecommendationSettings, database: Database, embedder: Embedder | None = None) -> Prepared:
    """Read an application's data.

    Args:
        settings: Of the application.
        database: Where they are.
        embedder: Reads the items' texts; where absent the interest model that was trained, or what the file names.

    Raises:
        DataError: If there is no item, or the table of users cannot be read.
        BundleError: If the model that reads texts is gone.
    """
    held = stored_data(database, settings.name)
    interest = trained_interest(settings) if embedder is None else None
    model = opened(settings, interest) if interest else None
    texts = [item.text for item in held.items]
    reads = embedder or model or embedder_of(settings.embedder, texts, settings.seed)
    catalogue = build_catalogue(held.items, reads, history_reader(settings, model) if model else None)
    now = min(time.time(), max((event.time for event in held.events), default=time.time()))
    contexts = contexts_of(settings, held)
    said = read(held.events, catalogue.index, settings.signals, now, len(catalogue), contexts, settings.context.segment)
    return Prepared(held, catalogue, said, reads, now, contexts, interest)


def trained_interest(settings: RecommendationSettings) -> str | None:
    """Return the interest model that the final ranking was trained with; None where none is wanted or was trained."""
    manifest = folder_of(settings) / MANIFEST
    if not settings.interest.tune or not manifest.is_file():
        return None
    try:
        found: str | None = read_json(manifest).get("interest")
    except (OSError, ValueError, AttributeError):
        return None  # who opens the final ranking says that it is damaged
    return found


def taught(
    settings: RecommendationSettings, prepared: Prepared, interactions: Interactions, screen: Screen | None = None,
    left_out: NDArray[np.bool_] | None = None,
) -> Prepared:  # fmt: skip
    """Fine-tune the interest model, where one is wanted, and let it read the texts.

    Args:
        settings: Of the application.
        prepared: Its data.
        interactions: All that may be learned from; the interest model learns from the part before that on which the
            final ranking learns, which would else trust it too much.
        screen: What the user sees meanwhile.
        left_out: Items that it is to know nothing of, shape (items,).

    Returns:
        The data as they are; read by the interest model where there is one; by what the file names where there is too
        little to learn from.
    """
    if not settings.interest.tune:
        return prepared
    model = tuned(settings, before_ranking(interactions, settings), prepared.catalogue.items, screen, left_out)
    if model is None:
        return untaught(settings, prepared)
    return prepared.read_by(model, history_reader(settings, model), model.path.name)


def untaught(settings: RecommendationSettings, prepared: Prepared) -> Prepared:
    """Return the data with texts read by what the file names, without an interest model."""
    texts = [item.text for item in prepared.catalogue.items]
    return prepared.read_by(embedder_of(settings.embedder, texts, settings.seed), None)


def before_ranking(interactions: Interactions, settings: RecommendationSettings) -> Interactions:
    """Return what came before that on which the final ranking learns."""
    if not len(interactions):
        return interactions
    moment = np.quantile(interactions.time, 1 - settings.ranking.held_out, method="higher")
    return interactions.select(interactions.time < moment)


def contexts_of(settings: RecommendationSettings, held: StoredData, longest: int | None = None) -> Contexts:
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


def embedder_exists(name: str) -> bool:
    """Return whether a name is a bundle or a base at hand."""
    if name in PACKAGED:
        return PACKAGED[name].installed() or PACKAGED[name].folder.exists()
    try:
        return resolve(name).exists()
    except BundleError:
        return False
