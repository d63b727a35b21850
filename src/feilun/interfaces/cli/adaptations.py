"""`feilun adaptations`: the ways in which a base's weights may move, and what each costs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import option
from feilun.interfaces.cli.options import AsJson, Threads

EXAMPLES = (
    "feilun adaptations",
    "feilun adaptations --base multilingual-e5-small --json",
    "feilun adaptations --on news.toml --on reviews.toml",
)

Base = Annotated[
    str | None,
    option(
        "Packaged name, hub id or folder; else a small one at hand.",
        "内置名称、hub 编号或文件夹；默认用手边的一个小基座。",
        "--base",
        show_default=False,
    ),
]
Seconds = Annotated[float, option("How long to train each.", "每种训练多久。", min=0.1)]


Recipes = Annotated[
    list[Path] | None,
    option(
        "A recipe to train with each; may be given again.",
        "用每种方式各训练一遍的配方；可以重复给出。",
        "--on",
        metavar="RECIPE",
        show_default=False,
    ),
]

HEADS = (
    Remark("kind", "方法"),
    Remark("weights that move", "变动的权重"),
    Remark("share", "占比"),
    Remark("learning rate", "学习率"),
    Remark("tokens/s", "词元/秒"),
    Remark("peak memory", "内存峰值"),
)

WHAT_ZH = {
    "full": "所有权重都变；词向量要另外指明才变。",
    "frozen": "头在学；给出 `layers` 时，基座最上面的几层也学。",
    "adapter": "基座不变；学的是各层之间的小瓶颈层。",
    "lora": "基座不变；在它的一些权重上加两个小矩阵的乘积。",
    "adalora": "基座不变；学的是低秩更新，逐渐减少的秩分给最有用的地方。",
}


def adaptations(
    base: Base = None, seconds: Seconds = 2.0, on: Recipes = None, threads: Threads = None, as_json: AsJson = False
) -> None:
    """Measure each adaptation on a base: weights that move, tokens a second, memory, and quality on your rows.

    Each trains for a few steps on made texts, by its defaults and in a process of its own. With --on each also trains
    a recipe to its end, and what it reaches on the validation rows is shown. When to take which: docs/adaptations.md.

    测量各种适配方式在一个基座上的表现：可训练的权重、每秒词元数、内存，以及在自己数据上的效果。

    每种方式按默认设置在独立的进程里用生成的文本训练几步。加上 --on，还会用每种方式把配方完整训练一遍，并列出在验证集上
    的成绩。各种方式何时选用，见docs/adaptations.zh-CN.md。
    """
    from feilun.workflow.adaptations.cost import costs, default_base
    from feilun.workflow.adaptations.quality import recipes_of

    recipes = recipes_of(on or ())
    name = base or next((recipe.model.base for recipe in recipes.values()), None) or default_base()
    console = output.progress_console()
    found = []
    with console.status(output.said(Remark(f"Training {name} in several ways …", f"正在用几种方法训练 {name} …"))):
        for cost in costs(name, seconds=seconds, threads=threads, recipes=recipes):
            found.append(cost)
            if as_json:
                output.print_json({"base": name, **cost.to_json()})
    if as_json:
        return
    reached = [joined([recipe.training.early_stopping.metric, own], ", ", "，") for own, recipe in recipes.items()]
    title = Remark(f"model.adaptation.kind on {name}", f"{name} 上的 model.adaptation.kind")
    table = output.table(*HEADS, *reached, Remark("what it is", "说明"), title=title)
    for cost in found:
        table.add_row(
            cost.kind, f"{cost.moving:,}", f"{cost.share:.2%}", f"{cost.learning_rate:g}",
            f"{cost.tokens_per_second:,.0f}", f"{cost.peak_megabytes:,.0f} MB",
            *(f"{cost.quality[own]:.4f}" for own in recipes), output.said(Remark(cost.what, WHAT_ZH[cost.kind])),
        )  # fmt: skip
    output.result_console().print(table)
    output.tell(
        Remark(
            "frozen: the base runs once over the texts; the speed is that of later epochs.",
            "frozen：基座只读一遍文本；所列的是此后各轮的速度。",
        )
    )
