"""A bundle: a folder with all that it takes to predict, and the proof that it is what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.bundles.content import (
    MANIFEST,
    SCHEMA,
    check_models,
    content_hash,
    file_hashes,
    required,
    table_of,
    verified_manifest,
)
from feilun.bundles.generator import Generator
from feilun.bundles.golden import check_golden
from feilun.bundles.parts import predictor_of, report_of
from feilun.bundles.registry import resolve, version_of
from feilun.bundles.runtime import Runtime
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.table import AnyDecision
from feilun.core.errors import BundleError, UsageError
from feilun.core.files import atomic_folder, check_writable, write_json
from feilun.core.labels import LabelSet
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.core.report import Report
from feilun.core.row_columns import RowColumns


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

    def __repr__(self) -> str:
        """Show which bundle it is; all that is known of it would fill pages."""
        return f"Bundle({self.name}@{self.version}, {self.manifest['task']}, {str(self.path)!r})"

    @property
    def labels(self) -> LabelSet:
        """Return the classes, in the order of the logits."""
        return self.predictor.labels

    @property
    def decision(self) -> AnyDecision:
        """Return how answers are chosen: temperature, thresholds and the like."""
        return self.predictor.decision

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
            raise UsageError(
                Remark("predict takes a list of texts, not one string.", "predict 要的是文本的列表，不是单个字符串。"),
                Remark("Write: bundle.predict([text])", "请写成：bundle.predict([text])"),
            )
        rows = corpus if isinstance(corpus, Corpus) else corpus_of(list(corpus))
        if self.pair is not None and rows.pair is None:
            call = f"bundle.predict(bundle.columns.corpus([{{'{self.columns.text}': '…', '{self.pair}': '…'}}]))"
            raise UsageError(
                Remark(
                    f"The model {self.name} compares two texts, and only the first of each row was given.",
                    f"模型 {self.name} 比较两条文本，而每行只给了第一条。",
                ),
                Remark(f"Write: {call}", f"请写成：{call}"),
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
            raise BundleError(
                Remark(
                    f"The bundle {path} cannot be written: it lacks {', '.join(missing)}.",
                    f"无法写入模型包 {path}：缺少 {'、'.join(missing)}。",
                )
            )
        check_models(folder, hashes)
        facts = {"schema": SCHEMA, **manifest_facts}
        write_json(folder / MANIFEST, {**facts, "files": hashes, "hash": content_hash(folder, facts, hashes)})


def check_target(path: Path) -> None:
    """Refuse to replace anything but a bundle or an empty folder; worth asking before a long training.

    Args:
        path: Where a bundle is to be written.

    Raises:
        UsageError: If there is a file, or a folder that holds something else.
        StorageError: If nothing can be written there.
    """
    taken = path.is_file() or (path.is_dir() and not (path / MANIFEST).is_file() and any(path.iterdir()))
    if taken:
        raise UsageError(
            Remark(
                f"{path} is there already and is no bundle; writing a bundle to it would delete what it holds.",
                f"{path} 已经存在，而且不是模型包；把模型包写到这里会删掉里面的内容。",
            ),
            Remark("Name a new folder, or one that holds a bundle.", "请换一个新文件夹，或者一个放着模型包的文件夹。"),
        )
    check_writable(path)


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
    predictor = predictor_of(folder, manifest, threads)
    check_golden(folder, predictor)
    return Bundle(folder, manifest, predictor, report_of(folder))
