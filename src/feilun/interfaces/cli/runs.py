"""`feilun runs`: the training runs, finished and not."""

from __future__ import annotations

from feilun.interfaces.cli import output
from feilun.interfaces.cli.options import AsJson

EXAMPLES = ("feilun runs", "feilun runs --json")


def runs(as_json: AsJson = False) -> None:
    """List the training runs, the latest first.

    The folder of a run holds its log, report and plots. A run that is not finished goes on with the command that
    began it and --resume.
    """
    from feilun.workflow import inventory

    found = inventory.runs()
    if as_json:
        for run in found:
            output.print_json(run.to_json())
        return
    if not found:
        print("There is no run yet. Begin one: feilun quickstart, or feilun train RECIPE.toml")
        return
    from rich.table import Table

    table = Table("run", "base", "step", "state", "accuracy", "macro-F1", "folder", box=None, pad_edge=False)
    for run in found:
        table.add_row(
            run.id, run.base, f"{run.step:,}", "finished" if run.finished else "not finished",
            output.figure(run.accuracy), output.figure(run.macro_f1), run.path,
        )  # fmt: skip
    output.result_console().print(table)
