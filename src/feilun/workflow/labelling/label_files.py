"""Texts to label written for people, and the labels that people filled in read back: CSV, and Label Studio's JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from feilun.core.errors import DataError, UsageError, counted, nearest
from feilun.core.files import atomic_file, write_json, write_text
from feilun.core.remark import Remark, said_in
from feilun.labelling.label_studio import Answer, Question, answers, interface, tasks
from feilun.text.formulas import inert, plain

ENCODINGS = ("utf-8-sig", "gb18030")
"""The second is what a spreadsheet in Chinese may save."""

LONGEST_CELL = 1 << 24

IDENTITIES = ("observation", "row", "id")
"""Columns that name a text, the first that is there counts; else its text does."""

TASKS = ".json"
ENDINGS = (".csv", TASKS)


def write_questions(questions: Sequence[Question], labels: Sequence[str], path: Path, key: str) -> None:
    """Write texts to label.

    Args:
        questions: The texts.
        labels: The labels to choose from; none where they are not known yet.
        path: Ends in .csv, with an empty column `label` and a byte order mark, so that spreadsheets read it as UTF-8;
            or in .json, tasks for Label Studio, with the labelling interface beside it as .xml.
        key: What names a text: `row` or `observation`.

    Raises:
        UsageError: If a table of that name holds labels that people filled in.
        StorageError: If it cannot be written.
    """
    refuse_to_lose_labels(path)
    if path.suffix.lower() == TASKS:
        write_json(path, tasks(questions, key))
        write_text(path.with_suffix(".xml"), interface(labels))
        return
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((key, "text", "predicted", "score", "reason", "label"))
        for one in questions:
            score = "" if one.score is None else f"{one.score:.4f}"
            writer.writerow(
                [inert(cell) for cell in (one.identity, one.text, one.predicted or "", score, one.reason, "")]
            )


def refuse_to_lose_labels(path: Path) -> None:
    """Refuse to write over the work of people."""
    try:
        labels = sum(1 for _ in read_answers(path)) if path.exists() else 0
    except DataError:
        return  # no table of theirs
    if labels:
        raise UsageError(
            Remark(
                f"{path} holds {counted(labels, 'label')} that people filled in.",
                f"{path} 中有人工填写的 {labels:,} 个标签。",
            ),
            Remark(
                "Take them first (feilun label collect, or feilun label import), or choose another --out.",
                "请先收取这些标签（feilun label collect 或 feilun label import），或另选 --out。",
            ),
        )


def read_answers(path: Path, person: str | None = None) -> Iterator[Answer]:
    """Read the labels that people filled in.

    Args:
        path: A CSV table with a column `label`, and `annotator` where several people filled it in; or what Label
            Studio exported (.json).
        person: Who filled in a table without the column `annotator`; else its file name stands for them.

    Raises:
        DataError: If it cannot be read or lacks a column.
    """
    if path.suffix.lower() == TASKS:
        try:
            content = json.loads(text_of(path)[0])
        except json.JSONDecodeError as error:
            raise DataError(
                Remark(f"{path}, line {error.lineno}: {error.msg}.", f"{path} 第 {error.lineno} 行：{error.msg}。"),
                Remark("Export the project once more.", "请把项目重新导出一次。"),
            ) from error
        yield from answers(content, IDENTITIES, str(path))
        return
    for _, row in filled_rows(path, ("label",)):
        if label := row["label"].strip():
            text = plain(row.get("text", ""))
            identity = next((row[key].strip() for key in IDENTITIES if row.get(key, "").strip()), text)
            yield Answer(identity, text, row.get("annotator", "").strip() or person or path.stem, label)


def filled_rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a table with their numbers, as a spreadsheet counts them: the header is row 1.

    Args:
        path: A CSV table.
        needed: Columns that it must have.

    Raises:
        DataError: If it cannot be read or lacks a column.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text_of(path)[0], newline=""))
    try:
        header = [str(name).strip() for name in reader.fieldnames or ()]
        missing = [name for name in needed if name not in header]
        if missing:
            hint = nearest(missing[0], header) if header else Remark("It is empty.", "它是空的。")
            raise DataError(
                Remark(
                    f"{path} has no column {missing[0]!r}. {hint}",
                    f"{path} 没有列 {missing[0]!r}。{said_in('zh', hint)}",
                ),
                Remark(
                    "Fill in the column `label` of a table that `feilun label` wrote, and save it as CSV.",
                    "请在 `feilun label` 写出的表里填写 `label` 列，并存为 CSV。",
                ),
            )
        reader.fieldnames = header
        for number, row in enumerate(reader, 2):
            yield number, {name: row.get(name) or "" for name in header}
    except csv.Error as error:
        raise DataError(
            Remark(f"{path}, line {reader.line_num}: {error}.", f"{path} 第 {reader.line_num} 行：{error}。"),
            Remark("Save the table as CSV again.", "请把这张表重新存为 CSV。"),
        ) from error


def text_of(path: Path) -> tuple[str, str]:
    """Return the text of a file that a spreadsheet may have saved, and its encoding.

    Raises:
        UsageError: If it cannot be opened.
        DataError: If it is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            Remark(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"),
            Remark("Give a table that `feilun label` wrote.", "请给出 `feilun label` 写出的表。"),
        ) from error
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise DataError(
        Remark(f"{path} is neither UTF-8 nor GB 18030 text.", f"{path} 的文字既不是 UTF-8 也不是 GB 18030。"),
        Remark("Save it as CSV in UTF-8.", "请存为 UTF-8 的 CSV。"),
    )
