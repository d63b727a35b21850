"""From the table `[data]` of a recipe to three sets of clean rows that share no text."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.splits import Splits
from feilun.data import duplicates, quality, targets
from feilun.data.features import NO_FEATURES, learn_features
from feilun.data.loading import Loaded, load, take
from feilun.data.paths import shown
from feilun.data.settings import DataSettings as DataSettings
from feilun.data.split import SET_NAMES, TEST, TRAIN, VALIDATION, assign, assign_by_time
from feilun.data.target_kinds.table import TARGET_KINDS, TargetKind
from feilun.text.times import seconds

CountTokens = Callable[[Sequence[str], Sequence[str] | None], NDArray[np.int64]]

FEWEST_ROWS = 20
"""Rows below which none are split off."""

log = logging.getLogger(__name__)


def prepare(
    settings: DataSettings,
    count_tokens: CountTokens | None = None,
    max_tokens: int | None = None,
    require_target: bool = True,
    task: str = "classify",
) -> Splits:
    """Read, clean, check and split the rows of a recipe.

    Args:
        settings: The table `[data]`.
        count_tokens: Counts the tokens of texts (and second texts), shape (rows,), for the report.
        max_tokens: Tokens that the model reads of a text; longer texts are counted.
        require_target: Whether rows must have a target.
        task: What the model is to do, which says how targets are read.

    Returns:
        The sets with labels, profile, fingerprint and data report. Rows read = rows kept + rows dropped by reason.

    Raises:
        DataError: If a source cannot be read or its rows cannot train a model; the message says what to do.
    """
    kind = TARGET_KINDS[task]
    sources = _load_all(settings, kind if require_target else None)
    train = sources[TRAIN]
    notes = _check_texts(sources, settings)
    labels = LabelSet(())
    if require_target:
        labels, remarks = kind.learn(train, settings)
        notes += remarks
    everything = _together([loaded.corpus for loaded in sources.values()])
    compared = duplicates.compared_texts(everything, settings.read_features)
    conflicts = duplicates.conflicts(everything, duplicates.same_text(compared))
    del everything, compared  # a second copy of the columns, which would last as long as the rest takes
    if settings.clean.deduplicate != "none":
        _drop_copies(train, settings)
    groups = _drop_near(sources, settings, kind)
    for name, loaded in sources.items():
        if require_target and name != TRAIN:
            targets.check_known(loaded, [kind.names(t) for t in loaded.corpus.target or ()], labels, train.source)
    found = Counter(name for target in train.corpus.target or () for name in kind.names(target))
    counts = {label: found[label] for label in labels.names if found}  # numbers have names, but no rows of their own
    sets = _split(sources, settings, groups, kind)
    splits = Splits(*sets, labels, {}, fingerprint(sets))
    learned = learn_features(splits, settings, task) if settings.features and require_target else NO_FEATURES
    notes += learned.notes
    report = quality.report(splits, sources, settings, kind, counts, conflicts, notes, count_tokens, max_tokens)
    report |= {"features": learned.table} if learned.table else {}
    profile = quality.profile(splits, kind, report)
    return Splits(*sets, labels, profile, splits.fingerprint, report, learned.columns)


def load_corpus(source: str, settings: DataSettings, *, require_target: bool, task: str = "classify") -> Corpus:
    """Read a further source as it is, texts uncleaned: the bundle cleans what it reads.

    Rows without a label, where one is required, are left out with a warning that counts them.

    Args:
        source: A path or database URL.
        settings: Which columns to read.
        require_target: Whether rows must have a target.
        task: What the model does, which says how targets are read.

    Returns:
        The rows in order.

    Raises:
        DataError: If the source cannot be read or has no usable row.
    """
    kind = TARGET_KINDS[task] if require_target else None
    loaded = load(source, settings, key="the source", target=kind, cleaning=None)
    for reason, count in loaded.dropped.items():
        rows = ", ".join(loaded.examples[reason])
        log.warning("%s: %d of %d rows left out (%s): rows %s", shown(source), count, loaded.rows, reason, rows)
    return loaded.corpus


def told_apart(corpus: Corpus, kind: TargetKind) -> Corpus:
    """Return rows as far as they are told apart by them: of candidates the queries alone."""
    return replace(corpus, pair=None) if kind.lists else corpus


def fingerprint(sets: Sequence[Corpus]) -> str:
    """Return the SHA-256 of the content of sets of rows, in their order; ids do not count."""
    digest = hashlib.sha256()
    for corpus in sets:
        columns = [("text", corpus.text), ("pair", corpus.pair), ("target", corpus.target), ("group", corpus.group)]
        columns += [("time", corpus.time), *sorted(corpus.features.items())]
        for name, column in columns:
            digest.update(f"\x1c{name}:{'-' if column is None else len(column)}".encode())
            for value in column or ():
                digest.update(f"{value}\x1e".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _load_all(settings: DataSettings, kind: TargetKind | None) -> dict[int, Loaded]:
    """Read the sources that are named, by their set."""
    named = {TRAIN: settings.train, VALIDATION: settings.validation, TEST: settings.test}
    cleaning = settings.clean.cleaning()
    sources = {}
    for number, source in named.items():
        if source is not None:
            loaded = load(source, settings, key=f"data.{SET_NAMES[number]}", target=kind, cleaning=cleaning)
            settings = replace(settings, **loaded.facts.get("read_with", {}))  # later files are read as the first
            _drop_beyond(loaded, settings.most_rows)
            sources[number] = loaded
    return sources


def _drop_beyond(loaded: Loaded, most: int | None) -> None:
    """Keep so many rows of a source, evenly spread over it."""
    rows = len(loaded.corpus)
    if most is not None and rows > most:
        kept = np.zeros(rows, dtype=bool)
        kept[np.linspace(0, rows - 1, most).round().astype(int)] = True
        loaded.drop("more than data.most_rows asks for", kept)


def _together(corpora: Sequence[Corpus]) -> Corpus:
    """Put corpora behind one another, as far as texts and labels go."""
    if len(corpora) == 1:
        return corpora[0]
    first = corpora[0]
    return Corpus(
        id=[identity for corpus in corpora for identity in corpus.id],
        text=[text for corpus in corpora for text in corpus.text],
        pair=None if first.pair is None else [pair for corpus in corpora for pair in corpus.pair or ()],
        target=None if first.target is None else [label for corpus in corpora for label in corpus.target or ()],
        features={name: [cell for corpus in corpora for cell in corpus.features[name]] for name in first.features},
    )


def _check_texts(sources: Mapping[int, Loaded], settings: DataSettings) -> list[str]:
    if not settings.text:
        return []
    return [note for note in (targets.check_texts(loaded, settings.text) for loaded in sources.values()) if note]


def _drop_copies(train: Loaded, settings: DataSettings) -> None:
    texts = duplicates.same_text(duplicates.compared_texts(train.corpus, settings.read_features))
    labels = duplicates.label_numbers(train.corpus.target, len(train.corpus))
    train.drop("same text and label as an earlier row", duplicates.first_of_each(texts, labels))


def _drop_near(sources: dict[int, Loaded], settings: DataSettings, kind: TargetKind) -> NDArray[np.int64]:
    """Drop near duplicates within train where that is wanted, and rows that leak into a later given file.

    Returns:
        The near-duplicate group of each row of train that is left, shape (rows,).
    """
    threshold = settings.clean.near_threshold
    train = sources[TRAIN]
    sets = np.repeat(list(sources), [len(loaded.corpus) for loaded in sources.values()])
    texts = [text for loaded in sources.values() for text in duplicates.compared_texts(loaded.corpus)]
    apart = [told_apart(loaded.corpus, kind) for loaded in sources.values()]
    groups = duplicates.near_groups(apart, settings)
    asked = [text for corpus in apart for text in duplicates.compared_texts(corpus)]
    leaks = {"text stands, or nearly stands, in": duplicates.leaking(asked, groups, sets, threshold)}
    if settings.group:
        values = [value for loaded in sources.values() for value in loaded.corpus.group or ()]
        leaks["group stands in"] = duplicates.leaking_groups(values, sets)
    kept = np.ones(len(texts), dtype=bool)
    own = np.flatnonzero(sets == TRAIN)
    if settings.clean.deduplicate == "near":
        labels = duplicates.label_numbers(train.corpus.target, len(own))
        kept[own] = duplicates.first_of_near([texts[i] for i in own], groups[own], labels, threshold)
        train.drop("nearly the same text and the same label as an earlier row", kept[own])
    for reason, later_sets in leaks.items():
        for number, loaded in sources.items():
            for later in (VALIDATION, TEST):
                rows = np.flatnonzero((sets == number) & kept)
                leaking = later_sets[rows] == later
                if not leaking.any():
                    continue
                loaded.leaks[f"{reason} the {SET_NAMES[later]} file"] += int(leaking.sum())
                if settings.split.leakage == "drop":
                    loaded.drop(f"{reason} the {SET_NAMES[later]} file", ~leaking)
                    kept[rows[leaking]] = False
    for number, loaded in sources.items():
        if not len(loaded.corpus):
            raise DataError(
                f"No row of {shown(loaded.source)} is left: each text stands, or nearly stands, in a later file.",
                f"Check that data.{SET_NAMES[number]} and the other files are not the same file.",
            )
    left: NDArray[np.int64] = groups[own[kept[own]]]
    return left


def _split(
    sources: dict[int, Loaded], settings: DataSettings, groups: NDArray[np.int64], kind: TargetKind
) -> tuple[Corpus, Corpus, Corpus]:
    """Return train, validation and test: the given files, and what is split off for those that are not given."""
    train, split = sources[TRAIN], settings.split
    given = {number: loaded.corpus for number, loaded in sources.items() if number != TRAIN}
    shares = (0.0 if VALIDATION in given else split.validation, 0.0 if TEST in given else split.test)
    if not any(shares):
        return train.corpus, given[VALIDATION], given[TEST]
    if len(train.corpus) < FEWEST_ROWS:
        raise DataError(
            f"{shown(train.source)} has {len(train.corpus)} rows to use: too few to train on some and judge by others.",
            f"Give at least {FEWEST_ROWS} rows (50 and more of each label make a start).",
        )
    groups = _kin(train.corpus, groups)
    sets = (
        _sets_by_time(train, groups, shares)
        if split.by == "time"
        else _sets_at_random(train, settings, groups, shares, kind)
    )
    parts = [take(train.corpus, np.flatnonzero(sets == number)) for number in (TRAIN, VALIDATION, TEST)]
    for number, part in enumerate(parts):
        if not len(part) and number not in given:
            raise DataError(
                f"No row is left for the {SET_NAMES[number]} set when {len(sets):,} rows are split by {split.by}.",
                f"Give a file for it (data.{SET_NAMES[number]}), more rows, or another data.split.by.",
            )
    return parts[TRAIN], given.get(VALIDATION, parts[VALIDATION]), given.get(TEST, parts[TEST])


def _kin(corpus: Corpus, near: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number what must stand in one set, shape (rows,): near duplicates, and rows of one group."""
    return near if corpus.group is None else duplicates.joined(near, duplicates.named_groups(corpus.group))


def _sets_at_random(
    train: Loaded, settings: DataSettings, groups: NDArray[np.int64], shares: tuple[float, float], kind: TargetKind
) -> NDArray[np.int64]:
    stratified = settings.split.by == "label" and train.corpus.target is not None
    strata = kind.strata(train.corpus.target or ()) if stratified else ()
    labels = duplicates.label_numbers(strata, len(train.corpus)) if stratified else None
    return assign(groups, labels, shares, settings.split.seed)


def _sets_by_time(train: Loaded, groups: NDArray[np.int64], shares: tuple[float, float]) -> NDArray[np.int64]:
    """Split by time; rows that belong to a later set's row are dropped, or the future would be known in training."""
    readable = np.array([bool(time) for time in train.corpus.time or ()], dtype=bool)
    if readable.sum() < FEWEST_ROWS:
        raise DataError(
            f"{shown(train.source)} has {int(readable.sum())} rows with a time that can be read.",
            "Write times as 2026-01-31 or 2026-01-31T09:30, or as seconds since 1970; or set data.split.by to label.",
        )
    train.drop("no readable time", readable)
    groups = groups[readable]
    sets = assign_by_time([seconds(time) for time in train.corpus.time or ()], shares)
    names, unit_of = np.unique(groups, return_inverse=True)
    last = np.full(len(names), TRAIN)
    np.maximum.at(last, unit_of, sets)
    torn = sets < last[unit_of]
    train.drop("group or nearly the same text stands in a later set", ~torn)
    return sets[~torn]
