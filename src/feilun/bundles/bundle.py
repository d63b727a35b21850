"""A bundle: a folder with all that it takes to predict, and the proof that it is what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from feilun.bundles.adapted import Adapter, AdapterFiles
from feilun.bundles.base_graphs import find
from feilun.bundles.cascade import CASCADE, STUDENT, Cascade, CascadeSettings
from feilun.bundles.content import (
    ADAPTER_FORM,
    FEATURES,
    MANIFEST,
    REPLACE,
    SCHEMA,
    check_models,
    content_hash,
    file_hashes,
    read_table,
    read_value,
    required,
    table_of,
    verified_manifest,
)  # fmt: skip
from feilun.bundles.generator import Generator
from feilun.bundles.golden import check_golden
from feilun.bundles.registry import resolve, version_of
from feilun.bundles.runtime import BATCH_TOKENS, Runtime
from feilun.bundles.session import Opener, open_session
from feilun.core import settings
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.table import DECISIONS, AnyDecision
from feilun.core.errors import BundleError, UsageError
from feilun.core.features import FeatureColumns
from feilun.core.files import atomic_folder, write_json
from feilun.core.labels import LabelSet
from feilun.core.prediction import Prediction
from feilun.core.report import Report
from feilun.core.row_columns import RowColumns
from feilun.text.clean import Cleaning
from feilun.text.tokens import TokenEncoder


@dataclass(frozen=True)
class Bundle:
    """An opened bundle; a Predictor.

    Args:
        path: Its folder.
        manifest: What it is: name, task, labels' count, recipe, fingerprints, library versions, file hashes.
        predictor: Runs it.
        report: The judgement on the test rows, as it was when the bundle was made.
    """

    path: Path
    manifest: Mapping[str, Any]
    predictor: Runtime | Generator
    report: Report

    @property
    def name(self) -> str:
        """Return the model's name."""
        return str(self.manifest["name"])

    @cached_property
    def version(self) -> str:
        """Return the registered version, or the start of the content hash where the bundle is not registered."""
        return version_of(self.path) or str(self.manifest["hash"])[:8]

    @property
    def labels(self) -> LabelSet:
        """Return the classes, in the order of the logits."""
        return self.predictor.labels

    @property
    def pair(self) -> str | None:
        """Return the column of the second text that the model reads, or None where it reads one text."""
        column = table_of(table_of(self.manifest, "recipe"), "data").get("pair")
        return None if column is None else str(column)

    @cached_property
    def columns(self) -> RowColumns:
        """Return the columns of a table that the model reads."""
        return RowColumns.from_table(table_of(table_of(self.manifest, "recipe"), "data"))

    def predict(self, corpus: Corpus | Sequence[str]) -> list[Prediction]:
        """Predict texts.

        Args:
            corpus: A list of texts, or a corpus; `bundle.columns.corpus(rows)` makes one of rows by column.

        Returns:
            One prediction a text, in their order.

        Raises:
            UsageError: If a single string is given, something that is no text, no second texts where the model
                compares two, or no features where it reads some.
        """
        if isinstance(corpus, str):
            raise UsageError("predict takes a list of texts, not one string.", "Write: bundle.predict([text])")
        rows = corpus if isinstance(corpus, Corpus) else corpus_of(list(corpus))
        if self.pair is not None and rows.pair is None:
            raise UsageError(
                f"The model {self.name} compares two texts, and only the first of each row was given.",
                "Write: bundle.predict(Corpus(id=[…], text=[…], pair=[…]))",
            )
        return self.predictor.predict(rows)

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return vectors of texts, such as queries, shape (rows, size): what was trained as such, or pooled states."""
        return self.predictor.embed(corpus)

    @property
    def passages(self) -> Passages:
        """Return the Embedder of second texts, such as passages, where the model reads them apart from first ones."""
        return Passages(self.predictor)


@dataclass(frozen=True)
class Passages:
    """Turns second texts into vectors; an Embedder.

    Args:
        predictor: Runs the bundle.
    """

    predictor: Runtime | Generator

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return vectors of shape (rows, size), to be compared with those of `Bundle.embed`; `text` is the second text.

        A bundle that reads no second text apart has one kind of vectors only.
        """
        if isinstance(self.predictor, Generator) or self.predictor.decision.reads != "apart":
            return self.predictor.embed(corpus)
        return self.predictor.embed_second(replace(corpus, pair=None))


def write_bundle(path: Path, files: Callable[[Path], None], manifest_facts: Mapping[str, Any]) -> None:
    """Write a bundle whole or not at all.

    Args:
        path: Its folder; a bundle that is there already is replaced.
        files: Writes the files that a bundle has (`content.required`, and plots where there are any) into a folder.
        manifest_facts: What the manifest says besides schema, file hashes and content hash: at least name, task,
            max_tokens, prefix, pad_id.

    Raises:
        UsageError: If `path` holds something that is no bundle.
        BundleError: If what `files` wrote is no complete bundle.
        StorageError: If the disk is full or cannot be written; nothing half-written is left.
    """
    check_target(path)
    with atomic_folder(path.resolve()) as folder:
        files(folder)
        hashes = file_hashes(folder)
        missing = [name for name in required(manifest_facts) if name not in hashes]
        if missing:
            raise BundleError(f"The bundle {path} cannot be written: it lacks {', '.join(missing)}.")
        check_models(folder, hashes)
        facts = {"schema": SCHEMA, **manifest_facts}
        write_json(folder / MANIFEST, {**facts, "files": hashes, "hash": content_hash(folder, facts, hashes)})


def check_target(path: Path) -> None:
    """Refuse to replace anything but a bundle or an empty folder; worth asking before a long training.

    Args:
        path: Where a bundle is to be written.

    Raises:
        UsageError: If there is a file, or a folder that holds something else.
    """
    taken = path.is_file() or (path.is_dir() and not (path / MANIFEST).is_file() and any(path.iterdir()))
    if taken:
        raise UsageError(
            f"{path} is there already and is no bundle; writing a bundle to it would delete what it holds.",
            "Name a new folder, or one that holds a bundle.",
        )


def open_bundle(path: str | Path, *, threads: int | None = None) -> Bundle:
    """Open a bundle after verifying every file in it.

    Args:
        path: Its folder, the name of a registered model (its champion, else its newest version), or `name@version`.
        threads: Processor threads; None uses all cores that this process may.

    Returns:
        The bundle, ready to predict.

    Raises:
        BundleError: If there is none, if it is damaged, tampered with or of a newer schema, or answers otherwise here
            than where it was written; the message names the file.
    """
    folder = resolve(path)
    manifest = verified_manifest(folder)
    runtime = _runtime(folder, manifest, threads)
    check_golden(folder, runtime)
    return Bundle(folder, manifest, runtime, _report(folder))


def _report(folder: Path) -> Report:
    try:
        return Report.from_json(read_table(folder, "report.json"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"The bundle {folder} is damaged: report.json holds no report.", REPLACE) from error


def _runtime(folder: Path, manifest: Mapping[str, Any], threads: int | None) -> Runtime | Generator:
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises plain Exception
        problem = f"The bundle {folder} is damaged: tokenizer.json cannot be read ({error})."
        raise BundleError(problem, REPLACE) from error
    try:
        before_second = manifest.get("pair_prefix")  # bundles that read no second text apart have none
        apart = None if before_second is None else str(before_second)
        encoder = TokenEncoder(tokenizer, int(manifest["max_tokens"]), str(manifest["prefix"]), apart)
        pad_id = int(manifest["pad_id"])
        if encoder.max_tokens < 1 or pad_id < 0:
            raise ValueError("below what can be")
        batch_tokens = max(1, int(manifest.get("batch_tokens", BATCH_TOKENS)))
    except (KeyError, TypeError, ValueError) as error:
        problem = f"The bundle {folder} is damaged: {MANIFEST} lacks a valid max_tokens, prefix or pad_id."
        raise BundleError(problem, REPLACE) from error
    model, opener = _model(folder, manifest)
    options: dict[str, Any] = {
        "cleaning": _settings(Cleaning, folder, "preparation.json"),
        "decision": _decision(folder, manifest),
        "pad_id": pad_id,
        "threads": threads,
        "opener": opener,
    }
    labels = _labels(folder)
    if options["decision"].reads == "answers":
        return Generator(model, encoder, **options)
    options["features"] = _features(folder)
    if not (folder / CASCADE).is_file():
        return Runtime(model, encoder, labels, batch_tokens=batch_tokens, **options)
    if not (folder / STUDENT).is_file():
        raise BundleError(f"The bundle {folder} is damaged: it is a cascade, and {STUDENT} is missing.", REPLACE)
    student = Runtime(folder / STUDENT, encoder, labels, batch_tokens=batch_tokens, **options)
    return Cascade(model, student, _cascade(folder), **options)


def _model(folder: Path, manifest: Mapping[str, Any]) -> tuple[Path, Opener]:
    """Return the graph that a bundle runs, and how it is opened."""
    if manifest.get("form") != ADAPTER_FORM:
        return folder / "model.onnx", open_session
    return find(manifest, folder), Adapter(AdapterFiles.of(folder)).over


def _features(folder: Path) -> FeatureColumns | None:
    if not (folder / FEATURES).is_file():
        return None
    try:
        return FeatureColumns.from_table(read_table(folder, FEATURES))
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"The bundle {folder} is damaged: {FEATURES} holds no columns.", REPLACE) from error


def _cascade(folder: Path) -> CascadeSettings:
    try:
        return CascadeSettings.from_table(read_table(folder, CASCADE))
    except (KeyError, TypeError, ValueError) as error:
        problem = f"The bundle {folder} is damaged: {CASCADE} holds no temperatures and threshold."
        raise BundleError(problem, REPLACE) from error


def _labels(folder: Path) -> LabelSet:
    names = read_value(folder, "labels.json")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise BundleError(f"The bundle {folder} is damaged: labels.json is not a list of different names.", REPLACE)
    return LabelSet(tuple(names))


def _settings(cls: type[settings.Settings], folder: Path, name: str) -> settings.Settings:
    value, faults = settings.read(cls, read_table(folder, name))
    if value is None or faults:
        shown = "; ".join(fault.message for fault in faults)
        raise BundleError(f"The bundle {folder} cannot be read: {name}: {shown}", "Upgrade: pip install -U feilun")
    return value


def _decision(folder: Path, manifest: Mapping[str, Any]) -> AnyDecision:
    task = str(manifest.get("task", "classify"))
    if task not in DECISIONS:
        raise BundleError(
            f"The bundle {folder} is for the task {task!r}, which this Feilun does not know.",
            "Upgrade: pip install -U feilun",
        )
    try:
        return DECISIONS[task].from_table(read_table(folder, "calibration.json"))
    except (KeyError, TypeError, ValueError) as error:
        problem = f"The bundle {folder} is damaged: calibration.json holds no temperature and thresholds."
        raise BundleError(problem, REPLACE) from error
