"""Texts of a file that are most worth a label, by a bundle, by labelled rows, or by their variety alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.data.loading import load
from feilun.data.paths import shown
from feilun.data.readers.sources import READERS
from feilun.data.settings import DataSettings
from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.labelling.label_studio import Question
from feilun.labelling.selection import select
from feilun.labelling.ways import By
from feilun.workflow.getting_started.first_look import look
from feilun.workflow.labelling.labelled_texts import Place, labelled_rows, place_of
from feilun.workflow.labelling.vectors import vectors_of

KEY = "row"
"""What names a text in the table."""

DENSE = 256
"""Dimensions that weighed words are reduced to, so that distances can be taken."""


NAME_THEM = Remark("Name them with --file.", "请用 --file 指明。")
ONE_LABEL = Remark("Give a bundle that gives one text one label.", "请给出一个给一条文本一个标签的模型包。")


@dataclass(frozen=True)
class Pool:
    """Texts to choose from, and what is known of them.

    Args:
        corpus: They, each text once; an id is the number of the row in the file.
        vectors: Shape (rows, width).
        known: Vectors of the texts that have a label, shape (rows, width).
        probabilities: What a model says of each, shape (rows, classes); None where nothing is labelled yet.
        labels: The classes, in the order of the probabilities.
    """

    corpus: Corpus
    vectors: NDArray[np.float32]
    known: NDArray[np.float32]
    probabilities: NDArray[np.float64] | None
    labels: Sequence[str]


def is_bundle(where: str) -> bool:
    """Say whether a word names a bundle, and neither a recipe nor a table."""
    return Path(where).suffix.lower() not in (".toml", *READERS) and "://" not in where


def pool_of(where: str, file: str | None, text: str | None = None, base: str | None = None) -> Pool:
    """Read texts to choose from.

    Args:
        where: A bundle; a classify recipe or a table with labels, whose rows a light classifier is fitted to; or,
            without `file`, a table of texts of which none has a label yet.
        file: The texts to choose from.
        text: Their column; else the one that looks like it.
        base: The base that reads the texts; else the recipe's, or the one that fits them.

    Raises:
        UsageError: If there is nothing to choose from, or the bundle gives no single label.
        DataError: If a file cannot be read.
    """
    if is_bundle(where):
        if file is None:
            raise UsageError(
                Remark(
                    f"{where} is a bundle: the texts to choose from are missing.",
                    f"{where} 是模型包：还缺少要从中挑选的文本。",
                ),
                NAME_THEM,
            )
        return _by_bundle(open_bundle(where), _texts(file, text))
    place = place_of(where, text if file is None else None, base=base)
    if file is None:
        if place.settings.targets:
            raise UsageError(
                Remark(
                    f"{where} has the labels {place.settings.targets[0]!r}: the texts to choose from are missing.",
                    f"{where} 有标签 {place.settings.targets[0]!r}：还缺少要从中挑选的文本。",
                ),
                NAME_THEM,
            )
        return _by_variety(_texts(where, place.settings.text), place)
    return _by_labelled_rows(place, _texts(file, text))


def suggest_texts(pool: Pool, by: By, count: int, seed: int = 13) -> list[Question]:
    """Choose the texts to label next, the first to be labelled first.

    Args:
        pool: The texts.
        by: What makes a text worth a label.
        count: How many.
        seed: Draws, where `by` draws.
    """
    chosen = select(by, count, pool.vectors, pool.known, pool.probabilities, seed)
    questions = []
    for row in chosen.tolist():
        said = None if pool.probabilities is None else pool.probabilities[row]
        predicted = None if said is None else pool.labels[int(said.argmax())]
        score = None if said is None else float(said.max())
        reason = "diversity" if said is None else by
        questions.append(Question(pool.corpus.id[row], pool.corpus.text[row], predicted, score, reason))
    return questions


def _texts(file: str, text: str | None) -> Corpus:
    """Read and clean the texts of a file, each once."""
    settings = DataSettings(file, text=text or look(file).text, target=())
    corpus = load(file, settings, key="--file", target=None, cleaning=settings.clean.cleaning()).corpus
    first = {text: row for row, text in reversed(list(enumerate(corpus.text)))}
    return corpus.select(sorted(first.values()))


def _by_bundle(bundle: Bundle, corpus: Corpus) -> Pool:
    if bundle.pair is not None:
        raise UsageError(Remark(f"{bundle.name} compares two texts.", f"{bundle.name} 比较两条文本。"), ONE_LABEL)
    predictions = bundle.predict(corpus)
    if any(prediction.task != "classify" for prediction in predictions[:1]):
        raise UsageError(
            Remark(
                f"{bundle.name} is a {predictions[0].task} bundle.",
                f"{bundle.name} 是 {predictions[0].task} 的模型包。",
            ),
            ONE_LABEL,
        )
    probabilities = np.array([prediction.ranked.scores for prediction in predictions], np.float64)
    vectors = bundle.embed(corpus)
    return Pool(corpus, vectors, vectors[:0], probabilities, bundle.labels.names)


def _by_labelled_rows(place: Place, corpus: Corpus) -> Pool:
    loaded, labels = labelled_rows(place)
    known = set(loaded.corpus.text)
    corpus = corpus.select([row for row, text in enumerate(corpus.text) if text not in known])
    if not len(corpus):
        raise UsageError(
            Remark(
                f"Each of the texts has a label in {shown(place.source)}.",
                f"每条文本在 {shown(place.source)} 里都已有标签。",
            ),
            Remark("Give further texts with --file.", "请用 --file 给出更多文本。"),
        )
    rows = len(loaded.corpus)
    matrix = vectors_of(_behind(loaded.corpus, corpus), place, len(labels)).matrix
    model = fit_regression(matrix[:rows], labels.encode(list(loaded.corpus.target or ())), len(labels))
    probabilities = model.predict_proba(matrix[rows:])  # every label has a row: classes are in class order
    dense = _dense(matrix)
    return Pool(corpus, dense[rows:], dense[:rows], probabilities, labels.names)


def _by_variety(corpus: Corpus, place: Place) -> Pool:
    vectors = _dense(vectors_of(corpus, place, 1).matrix)
    return Pool(corpus, vectors, vectors[:0], None, ())


def _behind(first: Corpus, second: Corpus) -> Corpus:
    ids = [str(i) for i in range(len(first) + len(second))]
    return Corpus(ids, [*first.text, *second.text])


def _dense(matrix: Any) -> NDArray[np.float32]:
    """Return vectors as an array; words, weighed, are reduced to as many dimensions as a small base has."""
    if not hasattr(matrix, "toarray"):
        return np.asarray(matrix, np.float32)
    from sklearn.decomposition import TruncatedSVD

    width = min(DENSE, min(matrix.shape) - 1)
    return np.asarray(TruncatedSVD(max(width, 1), random_state=0).fit_transform(matrix), np.float32)
