"""`feilun label errors`: which labels are probably wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from feilun.core.remark import said_in
from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

if TYPE_CHECKING:
    from feilun.workflow.labelling.errors import LabelErrors

EXAMPLES = ("feilun label errors reviews.csv --out doubtful.csv",)

Source = Annotated[str, typer.Argument(help="A classify recipe, or a table with labels.", show_default=False)]
TextColumn = Annotated[str | None, typer.Option(help="Column of the texts; else the one that looks like it.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the labels; else the one that looks like it.")]
BaseName = Annotated[
    str | None, typer.Option(help="Base that reads the texts, or `words`; else the recipe's or the one that fits.")
]

SHOWN = 60
LABELS_SHOWN = 10


def errors(
    source: Source,
    text: TextColumn = None,
    label: LabelColumn = None,
    base: BaseName = None,
    folds: Annotated[int, typer.Option(min=2, max=50, help="Models to fit, each on all rows but its own.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Deals the rows into folds.")] = 13,
    count: Annotated[int, typer.Option(min=0, help="How many of the worst to show.")] = 20,
    out: Annotated[Path | None, typer.Option(help="Write all that are called wrong here: .csv or .json.")] = None,
    kept: Annotated[Path | None, typer.Option(help="Write the other rows here: .csv, .tsv, .jsonl, .parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find labels that are probably wrong, by predictions of models that had not seen the rows.

    The base reads each text once; a light classifier is fitted on all folds but one and predicts that one.
    """
    from feilun.workflow.finished.predict_file import WRITERS
    from feilun.workflow.labelling.errors import label_errors, write_errors, write_kept
    from feilun.workflow.labelling.rows import check_ending, place_of

    check_ending(out, (".csv", ".json"))
    check_ending(kept, WRITERS)
    found = label_errors(place_of(source, text, label, base), folds, seed)
    if out is not None:
        write_errors(found, out)
    left = write_kept(found, kept) if kept is not None else None
    if as_json:
        output.print_json({**found.to_json(count), **({} if left is None else {"kept": left})})
        return
    _show(found, count)
    if out is not None:
        print(f"{len(found.wrong()):,} rows: {out}. Fill in the right label in the column label.")
    if left is not None:
        print(f"{left:,} rows without them: {kept}")


def _show(found: LabelErrors, count: int) -> None:
    from rich.table import Table
    from rich.text import Text

    wrong = found.wrong()
    share = len(wrong) / max(1, len(found.corpus))
    print(f"{len(wrong):,} of {len(found.corpus):,} labels are called wrong ({share:.1%}); read by {found.read_by}.")
    for note in found.notes():
        print(said_in(output.language(), note))
    console = output.result_console()
    worst = Table("row", "given", "suggested", "confidence", "text", box=None, pad_edge=False)
    for row in wrong[:count].tolist():
        line = found.line(row)
        text = " ".join(line["text"].split())
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        worst.add_row(
            line["row"], Text(line["given"]), Text(line["suggested"]), f"{line['confidence']:.3f}", Text(shown)
        )
    if len(wrong) and count:
        console.print(worst)
    table = Table("label", "rows", "called wrong", "noise", "missing", box=None, pad_edge=False)
    for one in found.per_label()[:LABELS_SHOWN]:
        table.add_row(Text(one["label"]), f"{one['rows']:,}", f"{one['called_wrong']:,}", f"{one['noise']:.1%}",
                      f"{one['missing']:.1%}")  # fmt: skip
    console.print(table)
