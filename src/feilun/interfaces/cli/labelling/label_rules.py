"""`feilun label rules`: texts labelled by rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from feilun.interfaces.cli import output
from feilun.interfaces.cli.labelling.label_errors import TextColumn
from feilun.interfaces.cli.options import AsJson

EXAMPLES = ("feilun label rules rules.toml texts.csv --out labelled.csv",)


def rules(
    file: Annotated[Path, typer.Argument(help="The rules, a TOML file.", show_default=False)],
    table: Annotated[str, typer.Argument(help="The texts: csv, tsv, jsonl, parquet, xlsx.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Write the rows with label and probability: .csv, .tsv, .jsonl, .parquet.")
    ] = None,
    text: TextColumn = None,
    minimum: Annotated[float, typer.Option(min=0, max=1, help="Probability below which a text gets no label.")] = 0.0,
    target: Annotated[
        str | None, typer.Option(help="Column of true labels, where some are known: says how right each rule is.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Label texts by rules, each trusted as far as it agrees with the others.

    Says how many texts each rule speaks of, how often it overlaps with others and contradicts them. The rules see
    no label: --target only measures.
    """
    from feilun.labelling.rules import read_rules
    from feilun.workflow.finished.predict_file import WRITERS
    from feilun.workflow.labelling.rows import check_ending
    from feilun.workflow.labelling.weak import label_by_rules, write_weak

    check_ending(out, WRITERS)
    weak = label_by_rules(read_rules(file), table, text, minimum, target)
    if out is not None:
        write_weak(weak, out)
    report = weak.to_json()
    if as_json:
        output.print_json(report)
        return
    _show(report)
    if out is not None:
        print(f'{report["labelled"]:,} rows with a label: {out}. To train on them: data.target = "weak_label".')


def _show(report: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    measured = "accuracy" in report
    head = ("rule", "label", "coverage", "overlaps", "conflicts", "trusted")
    table = Table(*head, *(("right",) if measured else ()), box=None, pad_edge=False)
    for one in report["rules"]:
        shares = [f"{one[name]:.1%}" for name in ("coverage", "overlaps", "conflicts", "trusted")]
        right = [output.figure(one["accuracy"])] if measured else []
        table.add_row(Text(one["rule"]), Text(one["label"]), *shares, *right)
    output.result_console().print(table)
    counts = ", ".join(f"{label} {count:,}" for label, count in report["labels"].items())
    print(f"{report['labelled']:,} of {report['rows']:,} texts get a label ({counts}).")
    print(
        f"Rules speak of {report['coverage']:.1%} of the texts and contradict each other in {report['conflicts']:.1%}."
    )
    if measured and report["accuracy"] is not None:
        print(f"{report['accuracy']:.1%} of the labels are those of the table.")
