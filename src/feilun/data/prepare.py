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
from feilun.core.decisions.rank import whole_lists
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.core.splits import Splits
from feilun.data import duplicates, quality, targets
from feilun.data.features import NO_FEATURES, learn_features
from feilun.data.leaks import drop_copies, drop_near, within_lists
from feilun.data.loading import Loaded, load
from feilun.data.paths import shown
from feilun.data.sets import divided
from feilun.data.settings import DataSettings
from feilun.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from feilun.data.target_kinds.table import TARGET_KINDS, TargetKind

CountTokens = Callable[[Sequence[str], Sequence[str] | None], NDArray[np.int64]]

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
    compared = duplicates.same_text(duplicates.compared_texts(everything, settings.read_features))
    conflicts = duplicates.conflicts(everything, within_lists(compared, everything, kind))
    del everything, compared  # a second copy of the columns, which would last as long as the rest takes
    if settings.clean.deduplicate != "none":
        drop_copies(train, settings, kind)
    groups = drop_near(sources, settings, kind)
    for name, loaded in sources.items():
        if require_target and name != TRAIN:
            targets.check_known(loaded, [kind.names(t) for t in loaded.corpus.target or ()], labels, train.source)
    found = Counter(name for target in train.corpus.target or () for name in kind.names(target))
    counts = {label: found[label] for label in labels.names if found}  # numbers have names, but no rows of their own
    sets = divided(sources, settings, groups, kind)
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
    loaded = load(source, settings, key=Remark("the source", "数据来源"), target=kind, cleaning=None)
    for reason, count in loaded.dropped.items():
        rows = ", ".join(loaded.examples[reason])
        log.warning("%s: %d of %d rows left out (%s): rows %s", shown(source), count, loaded.rows, reason, rows)
    return loaded.corpus


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
            _drop_beyond(loaded, settings.most_rows, lists=kind is not None and kind.lists)
            sources[number] = loaded
    return sources


def _drop_beyond(loaded: Loaded, most: int | None, *, lists: bool) -> None:
    """Keep so many rows of a source, evenly spread over it; of lists of candidates whole ones."""
    rows = len(loaded.corpus)
    if most is not None and rows > most:
        kept = np.zeros(rows, dtype=bool)
        evenly = np.linspace(0, rows - 1, most).round().astype(int)
        kept[whole_lists(loaded.corpus, most) if lists else evenly] = True
        loaded.drop(Remark("more than data.most_rows asks for", "超出 data.most_rows 所限的行数"), kept)


def _together(corpora: Sequence[Corpus]) -> Corpus:
    """Put corpora behind one another, as far as texts, labels and groups go."""
    if len(corpora) == 1:
        return corpora[0]
    first = corpora[0]
    return Corpus(
        id=[identity for corpus in corpora for identity in corpus.id],
        text=[text for corpus in corpora for text in corpus.text],
        pair=None if first.pair is None else [pair for corpus in corpora for pair in corpus.pair or ()],
        target=None if first.target is None else [label for corpus in corpora for label in corpus.target or ()],
        features={name: [cell for corpus in corpora for cell in corpus.features[name]] for name in first.features},
        group=None if first.group is None else [group for corpus in corpora for group in corpus.group or ()],
    )


def _check_texts(sources: Mapping[int, Loaded], settings: DataSettings) -> list[str]:
    if not settings.text:
        return []
    return [note for note in (targets.check_texts(loaded, settings.text) for loaded in sources.values()) if note]
