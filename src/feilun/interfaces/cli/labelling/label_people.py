"""`feilun label agreement` and `feilun label collect`: what several people said of the same texts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

EXAMPLES = (
    "feilun label agreement ann.csv bob.csv",
    "feilun label collect queue.csv --out labelled.csv",
)

Files = Annotated[
    list[Path],
    typer.Argument(help="Tables that were filled in, one a person; or Label Studio's JSON.", show_default=False),
]


def agreement(files: Files, as_json: AsJson = False) -> None:
    """Say how far people agree: Krippendorff's alpha, Fleiss' kappa, Cohen's of each pair, and what they confuse."""
    from feilun.workflow.labelling.people import agreement_of, read_ratings

    found = agreement_of(read_ratings(files))
    if as_json:
        output.print_json(found)
        return
    print(f"{found['texts']:,} texts, {found['shared']:,} of them labelled by two people or more.")
    print(
        f"Krippendorff's alpha {_figure(found['krippendorff_alpha'])}, Fleiss' kappa {_figure(found['fleiss_kappa'])}"
    )
    from rich.table import Table
    from rich.text import Text

    table = Table("one", "other", "texts", "agree", "Cohen's kappa", box=None, pad_edge=False)
    for pair in found["pairs"]:
        table.add_row(*(Text(person) for person in pair["people"]), f"{pair['texts']:,}", _figure(pair["agree"]),
                      _figure(pair["cohen_kappa"]))  # fmt: skip
    output.result_console().print(table)
    for confusion in found["confused"]:
        print(f"{confusion['texts']:,} texts: {' or '.join(confusion['labels'])}")


def collect(
    files: Files,
    out: Annotated[Path, typer.Option(help="The table to train on: .csv, .tsv, .jsonl, .parquet.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Make one table of texts and labels of what people filled in; of several labels for a text the most frequent.

    Texts of which people disagree evenly are left out, and counted.
    """
    from feilun.workflow.finished.predict_file import WRITERS
    from feilun.workflow.labelling.people import read_ratings, write_labelled
    from feilun.workflow.labelling.rows import check_ending

    check_ending(out, WRITERS)
    written, tied = write_labelled(read_ratings(files), out)
    if as_json:
        output.print_json({"rows": written, "tied": tied, "out": str(out)})
        return
    print(f"{written:,} labelled texts: {out}." + (f" {tied:,} left out: people disagree evenly." if tied else ""))


def _figure(value: float | None) -> str:
    return "not known" if value is None or math.isnan(value) else f"{value:.3f}"
