"""`feilun predict`: a bundle answers texts, files and streams."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson, BundleName, TextColumn, Threads
from feilun.text.printable import printable

if TYPE_CHECKING:
    from feilun.bundles.bundle import Bundle
    from feilun.core.prediction import Number, Prediction

EXAMPLES = (
    'feilun predict out/model "送餐很快，味道也好" "Never again"',
    "feilun predict out/model --file reviews.csv --out answers.csv",
    "feilun predict out/model --json - < texts.txt",
)


def predict(
    bundle: BundleName,
    texts: Annotated[
        list[str] | None,
        argument(
            "Texts to answer; - reads them from standard input, one a line.",
            "要预测的文本；- 表示从标准输入读取，每行一条。",
        ),
    ] = None,
    pair: Annotated[
        list[str] | None,
        option(
            "The second text of each text, where the model compares two.",
            "每条文本的第二文本，用于比较两条文本的模型。",
        ),
    ] = None,
    file: Annotated[
        str | None,
        option(
            "A table: csv, tsv, jsonl, parquet, xlsx, or a database URL with --query.",
            "表格：csv、tsv、jsonl、parquet、xlsx，或数据库 URL 加 --query。",
        ),
    ] = None,
    text: TextColumn = None,
    query: Annotated[
        str | None, option("The SQL query, where --file is a database URL.", "--file 是数据库 URL 时的 SQL 查询。")
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "Write the rows with the predicted columns here: .csv .tsv .jsonl .parquet.",
            "把各行连同预测的列写到这里：.csv .tsv .jsonl .parquet。",
        ),
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Answer texts, a file or standard input with a bundle.

    Rows keep their order and their columns; the predicted ones are added. Files are read in pieces, so that their
    size does not matter.

    用模型包预测文本、文件或标准输入。

    各行的顺序和原有的列不变，预测的列加在后面。文件分块读取，多大都可以。
    """
    from feilun.bundles.bundle import open_bundle

    if (file is None) == (not texts):
        raise UsageError(
            Remark("Give texts, or --file, or - for standard input.", "请给出文本，或 --file，或用 - 表示标准输入。"),
            Remark(f"For example: {EXAMPLES[0]}", f"例如：{EXAMPLES[0]}"),
        )
    if file == "-":
        raise UsageError(
            Remark("--file names a table, and - is none.", "--file 指的是表格，而 - 不是。"),
            Remark(
                f"Standard input is read, one text a line, by: feilun predict {bundle} -",
                f"从标准输入读取，每行一条文本：feilun predict {bundle} -",
            ),
        )
    if file is None and out is not None:
        raise UsageError(
            Remark("--out goes with --file.", "--out 要与 --file 一起使用。"),
            Remark(f"For example: {EXAMPLES[1]}", f"例如：{EXAMPLES[1]}"),
        )
    if file is None and (text is not None or query is not None):
        raise UsageError(
            Remark("--text and --query go with --file.", "--text 和 --query 要与 --file 一起使用。"),
            Remark(f"For example: {EXAMPLES[1]}", f"例如：{EXAMPLES[1]}"),
        )
    if file is not None and pair:
        raise UsageError(
            Remark(
                "--pair goes with texts; a table has its own column of second texts.",
                "--pair 用于直接给出的文本；表格里自有第二文本的列。",
            ),
            Remark("Leave out --pair.", "请去掉 --pair。"),
        )
    if file is not None and out is not None and out.exists() and Path(file).exists() and out.samefile(file):
        raise UsageError(
            Remark(
                f"--out {out} is the table that is read: it would be replaced.",
                f"--out {out} 就是要读的表格：它会被替换。",
            ),
            Remark("Name another file.", "请另取一个文件名。"),
        )
    opened = open_bundle(bundle, threads=threads)
    if file is None:
        _check_reads_texts(opened)
        _check_pairs(opened, texts or [], pair or [])
    if file is not None:
        _answer_file(opened, file, text, query, out, as_json)
    elif pair:
        _answer_pairs(opened, texts or [], pair, as_json)
    elif texts == ["-"]:
        _answer_stream(opened, (line.rstrip("\r\n") for line in sys.stdin), as_json)
    else:
        _answer_stream(opened, texts or [], as_json)


def _check_reads_texts(bundle: Bundle) -> None:
    """Refuse bare texts where a model reads columns."""
    columns = bundle.columns
    if columns.features:
        raise UsageError(
            Remark(
                f"The model {bundle.name} reads the columns {', '.join(columns.names)}; texts alone were given.",
                f"模型 {bundle.name} 要读列 {'、'.join(columns.names)}，而只给了文本。",
            ),
            Remark("Give a table with them as --file.", "请用 --file 给出带有这些列的表格。"),
        )


def _check_pairs(bundle: Bundle, texts: list[str], pairs: list[str]) -> None:
    """Refuse texts without their second texts, where the model compares two, and second texts where it does not."""
    if bundle.pair is None and pairs:
        raise UsageError(
            Remark(f"The model {bundle.name} reads one text, not two.", f"模型 {bundle.name} 只读一条文本，不读两条。"),
            Remark("Leave out --pair.", "请去掉 --pair。"),
        )
    if bundle.pair is not None and len(texts) != len(pairs):
        raise UsageError(
            Remark(
                f"The model {bundle.name} compares two texts: {len(texts)} texts were given, and {len(pairs)} with "
                "--pair.",
                f"模型 {bundle.name} 比较两条文本：给了 {len(texts)} 条文本，--pair 给了 {len(pairs)} 条。",
            ),
            Remark(
                f"Give --pair once for each text, or a table with the column {bundle.pair!r} as --file.",
                f"请为每条文本各给一次 --pair，或者用 --file 给出带有 {bundle.pair!r} 列的表格。",
            ),
        )


def _answer_pairs(bundle: Bundle, texts: list[str], pairs: list[str], as_json: bool) -> None:
    from feilun.core.corpus import Corpus

    corpus = Corpus(id=[str(i) for i in range(len(texts))], text=texts, pair=pairs)
    for text, pair, prediction in zip(texts, pairs, bundle.predict(corpus), strict=True):
        if as_json:
            output.print_json(prediction.to_json())
        else:
            print(_line(f"{text} | {pair}", prediction))


def _answer_stream(bundle: Bundle, texts: Iterable[str], as_json: bool) -> None:
    from feilun.workflow.finished.predict_file import predict_stream

    for text, prediction in predict_stream(bundle.predictor, texts):
        if as_json:
            output.print_json(prediction.to_json())
        else:
            print(_line(text, prediction), flush=True)


def _answer_file(
    bundle: Bundle, source: str, text: str | None, query: str | None, out: Path | None, as_json: bool
) -> None:
    from feilun.workflow.finished import predict_file

    columns = replace(bundle.columns, text=text) if text else bundle.columns
    pieces = predict_file.predict_rows(bundle.predictor, source, columns, query)
    if as_json and out is None:
        for _, predictions in pieces:
            for prediction in predictions:
                output.print_json(prediction.to_json())
        return
    frames = _counted(predict_file.with_predictions(*piece) for piece in pieces)
    if out is None:
        predict_file.write_csv(frames, sys.stdout)
        return
    rows = predict_file.write_frames(frames, out, mark=predict_file.saved_by_a_spreadsheet(source, query))
    if as_json:
        output.print_json({"rows": rows, "out": str(out)})
    else:
        output.tell(Remark(f"{rows:,} rows answered: {out}", f"已回答 {rows:,} 行：{out}"))


def _counted(frames: Iterable[Any]) -> Iterator[Any]:
    """Show on standard error how many rows are done."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    rows = output.said(Remark("rows", "行"))
    columns = (SpinnerColumn(), TextColumn(f"{{task.completed:,}} {rows}"), TextColumn("{task.fields[speed]}"))
    console = output.progress_console()
    silent = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=silent) as progress:
        task = progress.add_task("", total=None, speed="")
        for frame in frames:
            progress.advance(task, len(frame))
            speed = progress.tasks[0].speed
            progress.update(task, speed=f"{speed:,.0f} {rows}/s" if speed else "")
            yield frame


def _line(text: str, prediction: Prediction) -> str:
    asks = output.said(Remark("  → to a person", "  → 转人工")) if prediction.abstained else ""
    shown = printable(" ".join(text.split()))
    if prediction.text is not None:
        return printable(" ".join(prediction.text.split()))
    if prediction.numbers is not None:
        said = " | ".join(map(_number, prediction.numbers))
    else:
        said = f"{prediction.label or '–'}\t{prediction.score:.3f}"
    return f"{said}\t{shown[:79] + '…' if len(shown) > 80 else shown}{asks}"


def _number(one: Number) -> str:
    interval = f" ({one.low:.4g}–{one.high:.4g})" if math.isfinite(one.high) else ""
    return f"{one.value:.4g}{interval}"
