"""`feilun train`: a recipe becomes a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feilun.core.places import typed
from feilun.core.remark import Remark
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AcceptLicence, AsJson, CostError, CostReview, Settings

EXAMPLES = (
    "feilun train recipe.toml --out out/model",
    "feilun train recipe.toml --set training.epochs=2 --set data.train=news.csv",
    "feilun train recipe.toml --workers 2",
)


def train(
    recipe: Annotated[Path, argument("The recipe, a TOML file.", "配方，TOML 文件。", show_default=False)],
    out: Annotated[
        Path | None,
        option(
            "Write the bundle to exactly this folder; else it is registered by its name.",
            "模型包写到这个文件夹；默认按名称登记。",
        ),
    ] = None,
    resume: Annotated[
        bool, option("Go on where an interrupted run stopped.", "从上次中断的地方继续。", "--resume")
    ] = False,
    workers: Annotated[
        int,
        option(
            "Processes that train together, each with its share of the cores, or a GPU.",
            "共同训练的进程数，各占一部分核心，或各用一块 GPU。",
            min=1,
        ),
    ] = 1,
    settings: Settings = None,
    cost_error: CostError = None,
    cost_review: CostReview = None,
    accept_licence: AcceptLicence = False,
    as_json: AsJson = False,
) -> None:
    """Train the model of a recipe, judge it and write its bundle.

    Any key of the recipe can be set on the command line. With both costs, the threshold below which a text goes to a
    person is the cheapest on the validation rows. Ctrl-C or SIGTERM stops at the next step with a checkpoint; the
    same command with --resume goes on to the bitwise same weights.

    训练配方描述的模型，评估后写成模型包。

    配方的任何键都可以在命令行上设置。给出两种代价时，按验证集上总代价最低来选定阈值，低于阈值的文本转人工。按 Ctrl-C 或
    收到 SIGTERM 会在下一步停下并保存检查点；同一条命令加上 --resume 继续，最后的权重逐位相同。
    """
    from feilun.workflow import recipe as recipes
    from feilun.workflow import steps
    from feilun.workflow.screen import Terminal

    overrides = list(settings or [])
    if cost_error is not None:
        overrides.append(f"evaluation.cost_error={cost_error}")
    if cost_review is not None:
        overrides.append(f"evaluation.cost_review={cost_review}")
    loaded = recipes.load(recipe, overrides)
    screen = Terminal(output.progress_console() if as_json else output.result_console(), output.language())
    bundle = steps.train(loaded, out=out, resume=resume, accept_licence=accept_licence, workers=workers, screen=screen)
    if as_json:
        output.print_json({"bundle": str(bundle.path), "hash": bundle.manifest["hash"], **bundle.report.to_json()})
    else:
        asked = "--file TABLE" if bundle.columns.features or bundle.pair else '"…"'
        path = typed(bundle.path)
        output.tell(
            Remark(f"The bundle is in {bundle.path}", f"模型包在 {bundle.path}"),
            f"  feilun predict {path} {asked}",
            f"  feilun serve {path}",
        )
