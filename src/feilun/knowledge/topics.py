"""Topics of texts that nobody labelled: clusters of what they say, each told by its phrases and its typical texts.

Phrases weighed by TF-IDF are brought to few dimensions (latent semantic analysis, Deerwester et al. 1990) and
clustered by k-means. On five of six labelled sets this agreed better with the labels than non-negative matrix
factorisation of the same words (docs/insight.md). How many clusters there are is chosen by the coherence of their
phrases (normalised pointwise mutual information: Lau, Newman, Baldwin 2014).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark
from feilun.text.near_duplicates import LINK
from feilun.text.phrases import phrases_of

Floats = NDArray[np.float64]

DIMENSIONS = 50
LEARNT_FROM = 20_000
"""Texts that clusters are learnt from, drawn at random of more; all are put into them."""

TRIED = (6, 8, 10, 12, 15, 20)
FEWEST_TEXTS = 30
"""Of fewer texts no topics are made."""

PER_TOPIC = 10
"""Texts that there must be for each topic that is tried."""

LEAST_LIKENESS = 0.3
"""Cosine to its topic's centre below which a text belongs to none."""

JUDGED_PHRASES = 6
MOST_TYPICAL = 20
MOST_PHRASES = 20_000

ADDRESS = re.compile(r"(?<![\w.])@\w+")


@dataclass(frozen=True)
class Phrases:
    """Which phrase stands in which text.

    Args:
        names: The phrases.
        held: Whether a text holds a phrase, sparse, shape (texts, phrases), of 0 and 1.
    """

    names: tuple[str, ...]
    held: Any


@dataclass(frozen=True)
class Topic:
    """Texts that say the like.

    Args:
        number: Its place, the largest topic first.
        phrases: What stands in its texts more than in others, the most telling first.
        texts: How many texts it has.
        typical: Rows of its most typical texts, the most typical first.
    """

    number: int
    phrases: tuple[str, ...]
    texts: int
    typical: tuple[int, ...]

    @property
    def title(self) -> str:
        """Return its first phrases as a name."""
        return " · ".join(self.phrases[:3])


@dataclass(frozen=True)
class Topics:
    """The topics of some texts.

    Args:
        found: The topics, largest first.
        topic_of: The topic's number of each text, -1 where it belongs to none, shape (texts,).
        places: Where each text lies, unit vectors, zero where it holds no phrase, shape (texts, dimensions).
        coherence: Mean coherence of the topics' phrases, -1 to 1, by the number of topics that was tried.
    """

    found: tuple[Topic, ...]
    topic_of: NDArray[np.int64]
    places: Floats
    coherence: dict[int, float]


def read_phrases(texts: Sequence[str]) -> Phrases:
    """Return the phrases that stand in several of some texts, links and addressed names left out.

    Raises:
        MissingExtra: If scikit-learn is not installed, or rjieba is not and a text is Chinese.
    """
    try:
        from sklearn.feature_extraction.text import CountVectorizer
    except ImportError as error:
        raise MissingExtra("scikit-learn", "data", Remark("Finding topics", "发现主题")) from error
    fewest = max(2, min(len(texts) // 2_000, 25))
    vectorizer = CountVectorizer(
        analyzer=_said, binary=True, min_df=fewest, max_features=MOST_PHRASES, dtype=np.float64
    )
    try:
        held = vectorizer.fit_transform(texts)
    except ValueError:  # no phrase stands in several texts
        from scipy.sparse import csr_matrix

        return Phrases((), csr_matrix((len(texts), 0)))
    return Phrases(tuple(vectorizer.get_feature_names_out()), held)


def find_topics(phrases: Phrases, count: int | None = None, seed: int = 13) -> Topics:
    """Find the topics of texts.

    Args:
        phrases: Of the texts.
        count: How many topics; None chooses among `TRIED`.
        seed: Seed of the draws.

    Returns:
        The topics; none where there are too few texts or phrases.
    """
    rows, width = phrases.held.shape
    none = Topics((), np.full(rows, -1), np.zeros((rows, 1)), {})
    if rows < FEWEST_TEXTS or width < 2:
        return none
    generator = np.random.default_rng(seed)
    places = _places(phrases.held, generator)
    placed = np.flatnonzero(places.any(axis=1))
    if len(placed) < FEWEST_TEXTS:
        return none
    learnt = generator.permutation(placed)[:LEARNT_FROM]
    tried = (count,) if count else [one for one in TRIED if one * PER_TOPIC <= len(learnt)] or [2]
    clusters = {number: _assigned(places, learnt, min(number, len(learnt)), seed) for number in tried}
    coherence = {number: _coherence(phrases.held, _told_by(phrases.held, of)) for number, of in clusters.items()}
    best = max(coherence, key=lambda number: coherence[number])
    return Topics(*_described(phrases, clusters[best], places), places, coherence)


def _said(text: str) -> set[str]:
    return phrases_of(ADDRESS.sub(" ", LINK.sub(" ", text)))


def _places(held: Any, generator: np.random.Generator) -> Floats:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.preprocessing import normalize

    weighed = TfidfTransformer().fit_transform(held)
    drawn = generator.permutation(held.shape[0])[:LEARNT_FROM]
    dimensions = min(DIMENSIONS, held.shape[1] - 1, len(drawn) - 1)
    reduction = TruncatedSVD(dimensions, random_state=int(generator.integers(1 << 31)))
    with np.errstate(divide="ignore", invalid="ignore"):  # texts that are all equal have no variance to share out
        reduction.fit(weighed[drawn])
    places: Floats = normalize(reduction.transform(weighed))
    places[np.asarray(held.sum(axis=1)).ravel() == 0] = 0
    return places


def _assigned(places: Floats, learnt: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Return the cluster of each text, -1 where it is far from all; shape (texts,)."""
    from sklearn.cluster import KMeans

    learnt_from = places[learnt]
    apart = min(count, len(np.unique(learnt_from, axis=0)))
    centres = KMeans(apart, n_init=3, random_state=seed).fit(learnt_from).cluster_centers_
    centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    likeness = places @ centres.T
    found: NDArray[np.int64] = np.where(likeness.max(axis=1) >= LEAST_LIKENESS, likeness.argmax(axis=1), -1)
    return found


def _told_by(held: Any, topic_of: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the phrases that stand in each cluster, the most telling first: frequent in it and rare elsewhere."""
    everywhere = np.asarray(held.sum(axis=0)).ravel()
    found = []
    for number in range(int(topic_of.max(initial=-1)) + 1):
        inside = topic_of == number
        many = np.asarray(held[inside].sum(axis=0)).ravel()
        share = many / max(1, inside.sum())
        outside = (everywhere - many + 0.5) / (len(topic_of) - inside.sum() + 1)
        score = np.where(many > 0, share * np.log(np.maximum(share, 1e-12) / outside), -np.inf)
        found.append(np.argsort(-score, kind="stable")[: np.count_nonzero(many)])
    return found


def _coherence(held: Any, told_by: Sequence[NDArray[np.int64]]) -> float:
    """Return the mean normalised pointwise mutual information of the first phrases of clusters."""
    rows = held.shape[0]
    columns = held.tocsc()
    found = []
    for order in told_by:
        chosen = columns[:, order[:JUDGED_PHRASES]]
        joint = (chosen.T @ chosen).toarray() / rows
        own = np.diag(joint)
        one, other = np.triu_indices(len(own), 1)
        both, apart = joint[one, other], own[one] * own[other]
        together = (both > 0) & (both < 1)
        ratio = np.log(np.maximum(both, 1e-300) / np.maximum(apart, 1e-300))
        surprise = -np.log(np.where(together, both, 0.5))
        found.append(np.where(together, ratio / surprise, np.where(both > 0, 1.0, -1.0)).mean() if len(one) else 0.0)
    return float(np.mean(found)) if found else -1.0


def _described(
    phrases: Phrases, topic_of: NDArray[np.int64], places: Floats
) -> tuple[tuple[Topic, ...], NDArray[np.int64]]:
    """Number clusters by their size and tell what they are about."""
    sizes = np.bincount(topic_of[topic_of >= 0], minlength=int(topic_of.max(initial=-1)) + 1)
    told_by = _told_by(phrases.held, topic_of)
    numbered = np.full(len(topic_of), -1)
    found = []
    for number, cluster in enumerate(np.argsort(-sizes, kind="stable").tolist()):
        if not sizes[cluster]:
            continue
        rows = np.flatnonzero(topic_of == cluster)
        numbered[rows] = number
        told = np.asarray(phrases.held[rows][:, told_by[cluster][:JUDGED_PHRASES]].sum(axis=1)).ravel()
        nearness = places[rows] @ places[rows].mean(axis=0) * np.log1p(told)
        typical = rows[np.argsort(-nearness, kind="stable")][:MOST_TYPICAL]
        found.append(Topic(number, _distinct(phrases.names, told_by[cluster]), len(rows), tuple(typical.tolist())))
    return tuple(found), numbered


def _distinct(names: Sequence[str], order: NDArray[np.int64], count: int = 8) -> tuple[str, ...]:
    """Return the first phrases, of two of which one holds the other only the first."""
    chosen: list[str] = []
    for index in order[: 10 * count].tolist():
        name = names[index]
        if not any(name in other or other in name for other in chosen):
            chosen.append(name)
    return tuple(chosen[:count])
