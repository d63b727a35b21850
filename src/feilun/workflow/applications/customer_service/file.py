"""The application file of customer service, read with every fault at its line, and the files that it names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from feilun.apps.customer_service.known.documents import passages_of
from feilun.apps.customer_service.known.entries import FaqEntry, Passage
from feilun.apps.customer_service.known.faq import FaqReport, entries_of, merged
from feilun.apps.customer_service.known.past import Pair, Past, PastReport, answered_in
from feilun.apps.customer_service.known.redacted import kept_but
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.data.paths import shown
from feilun.data.readers.documents import documents_in, read_document
from feilun.data.readers.encodings import detect, open_text
from feilun.data.readers.sources import open_source
from feilun.workflow.settings_files.application_file import read_settings

COLUMNS = ("question", "answer", "variants", "category")


@dataclass(frozen=True)
class Knowledge:
    """What the files of an application hold.

    Args:
        entries: FAQ entries.
        passages: Passages of documents.
        answered: Sayings of customers with what was answered.
        labelled: Sayings of customers with the intent that stands beside them.
        reports: What was found in each file of a FAQ or of conversations.
    """

    entries: tuple[FaqEntry, ...]
    passages: tuple[Passage, ...]
    answered: tuple[Pair, ...]
    labelled: tuple[Pair, ...]
    reports: Mapping[str, FaqReport | PastReport]


def read_application(path: Path) -> CustomerServiceSettings:
    """Read an application file; paths in it are relative to it.

    Raises:
        UsageError: If there is no such file, or it is another application's.
        RecipeError: With every fault, each with its line.
    """
    settings = read_settings(path, CustomerServiceSettings, "customer_service.toml", {})
    folder = path.absolute().parent
    known = settings.knowledge
    resolved = replace(
        known,
        faq=tuple(str(folder / name) for name in known.faq),
        documents=tuple(str(folder / name) for name in known.documents),
        conversations=tuple(str(folder / name) for name in known.conversations),
    )
    rules = replace(settings.rules, tables=tuple(str(folder / name) for name in settings.rules.tables))
    reranker, generator = (_bundle(folder, name) for name in (settings.model.reranker, settings.model.generator))
    model = replace(settings.model, reranker=reranker, generator=generator)
    suite = str(folder / settings.release.suite) if settings.release.suite else ""
    release = replace(settings.release, suite=suite)
    spans = str(folder / settings.tagger.spans) if settings.tagger.spans else ""
    tagger = replace(settings.tagger, spans=spans)
    return replace(settings, knowledge=resolved, model=model, tagger=tagger, rules=rules, release=release)


def _bundle(folder: Path, name: str) -> str:
    """Return a bundle's folder where it lies beside the file, else its name as it is."""
    return str(folder / name) if name and (folder / name).is_dir() else name


def read_knowledge(settings: CustomerServiceSettings) -> Knowledge:
    """Read all files that an application names.

    Raises:
        DataError: If one cannot be read, or holds rows that are not as they must be.
    """
    keep = kept_but(settings.knowledge.public)
    entries: dict[str, FaqEntry] = {}
    reports: dict[str, FaqReport | PastReport] = {}
    for name in settings.knowledge.faq:
        found, reports[name] = entries_of(_rows(name), shown(name), keep)
        entries.update({one.id: merged(entries[one.id], one) if one.id in entries else one for one in found})
    passages: dict[str, Passage] = {}
    for name in settings.knowledge.documents:
        for document in documents_in(Path(name)):
            passages.update({one.id: one for one in passages_of(read_document(document), document.name, keep)})
    past: list[Past] = []
    for name in settings.knowledge.conversations:
        said, reports[name] = past_turns(Path(name))
        past.append(said)
    answered = tuple(pair for one in past for pair in one.answered)
    labelled = tuple(pair for one in past for pair in one.labelled)
    return Knowledge(tuple(entries.values()), tuple(passages.values()), answered, labelled, reports)


def past_turns(path: Path) -> tuple[Past, PastReport]:
    """Read what customers said in past conversations, JSON Lines, each with what was answered to it.

    Raises:
        DataError: If there is no such file, or a line is no conversation.
    """
    if not path.is_file():
        raise DataError(
            Remark(f"There is no file {shown(path)}.", f"没有文件 {shown(path)}。"),
            Remark(
                "knowledge.conversations names JSON Lines of conversations.",
                "knowledge.conversations 写对话的 JSON Lines 文件。",
            ),
        )
    return answered_in(_json_lines(path), shown(path))


def _rows(name: str) -> Iterator[Mapping[str, Any]]:
    if name.lower().endswith((".jsonl", ".ndjson")):
        yield from _json_rows(Path(name))
        return
    opened = open_source(name)
    _check_columns(name, opened.columns)
    for frame in opened.frames([column for column in COLUMNS if column in opened.columns]):
        yield from frame.iter_rows(named=True)


def _json_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a JSON Lines file: their variants are lists, which a table does not hold."""
    if not path.is_file():
        raise DataError(
            Remark(f"There is no file {shown(path)}.", f"没有文件 {shown(path)}。"),
            Remark("knowledge.faq names csv, xlsx or jsonl files.", "knowledge.faq 写 csv、xlsx 或 jsonl 文件。"),
        )
    for number, row in _json_lines(path):
        if not isinstance(row, dict):
            raise DataError(
                Remark(
                    f"{shown(path)}, line {number}, is no JSON object.", f"{shown(path)} 第 {number} 行不是 JSON 对象。"
                ),
                Remark('Such as {"question": "…", …}.', '例如 {"question": "…", …}。'),
            )
        _check_columns(f"{shown(path)}, line {number},", list(row))
        yield row


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the values of a JSON Lines file, each with the number of its line, in whatever encoding it is."""
    with open_text(path, detect(path)) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(
                    Remark(
                        f"{shown(path)}, line {number}, is no JSON ({error}).",
                        f"{shown(path)} 第 {number} 行不是 JSON（{error}）。",
                    ),
                    Remark("Mend or remove it.", "请改正或删去它。"),
                ) from error


def _check_columns(name: str, columns: Sequence[str]) -> None:
    missing = [column for column in COLUMNS[:2] if column not in columns]
    if missing:
        raise DataError(
            Remark(
                f"{name} has no {' and no '.join(missing)} (it has: {', '.join(columns)}).",
                f"{name} 没有 {' 和 '.join(missing)} 列（现有：{'、'.join(columns)}）。",
            ),
            Remark(
                f"A FAQ has the columns {', '.join(COLUMNS)}; the last two may be absent.",
                f"FAQ 的列为 {'、'.join(COLUMNS)}；后两列可以没有。",
            ),
        )
