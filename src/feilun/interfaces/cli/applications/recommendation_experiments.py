"""`feilun recommendation experiment` and `estimate`: what lists came to, and what others would have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument
from feilun.interfaces.cli.options import AsJson, Settings

if TYPE_CHECKING:
    from feilun.apps.recommendation.experiments.interleaving import Preference
    from feilun.apps.recommendation.experiments.off_policy import Estimate
    from feilun.apps.recommendation.experiments.outcomes import Outcome
    from feilun.apps.recommendation.experiments.slates import ListEstimate
    from feilun.core.report import Figure

EXAMPLES = (
    "feilun recommendation experiment shop.toml",
    "feilun recommendation estimate shop.toml --set list.diversity=0.1",
)

MEASURES_ZH = {
    "acted_on": "有行为的列表", "shown_again": "重复展示", "disliked": "不喜欢", "of_withdrawn": "属于已下架商品",
    "seconds_to_action": "到首次行为的秒数", "coverage": "目录覆盖率",
}  # fmt: skip

File = Annotated[Path, argument("The application's TOML file.", "应用文件，TOML 格式。", show_default=False)]


def experiment(file: File, as_json: AsJson = False) -> None:
    """Show what followed from the lists of each arm, with guardrails, or whose items of mixed lists were taken.

    显示实验各组的列表带来了什么、护栏指标如何；混合列表则显示谁的商品被选中。
    """
    from dataclasses import asdict

    from feilun.apps.recommendation.stored_data import stored_data
    from feilun.core.errors import UsageError
    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation.experiments import concluded
    from feilun.workflow.applications.recommendation.file import read_application

    settings = read_application(file)
    database = open_database()
    try:
        found = concluded(settings, stored_data(database, settings.name))
    finally:
        database.close()
    if not found.arms and not found.interleaved:
        raise UsageError(
            Remark("No list was shown in an experiment.", "没有任何列表是在实验中展示的。"),
            Remark(
                "Set experiment.holdout above 0 in the file, and serve.",
                "请把应用文件中的 experiment.holdout 设为大于 0，再提供服务。",
            ),
        )
    if as_json:
        output.print_json(asdict(found))
        return
    for arm, outcome in found.arms.items():
        output.tell(_of_arm(arm, outcome))
        for measure, figure in outcome.figures.items():
            output.tell(_measured("  ", measure, _said(figure, measure)))
    for one in found.differences:
        flag = Remark(f"  WORSE: {one.worse}", f"  变差：{one.worse}") if one.worse else Remark("", "")
        less = Remark(f": {one.arm} less {one.other} ", f"：{one.arm} 减 {one.other} ")
        output.tell(joined([_word(one.measure), less, _said(one.value, one.measure), flag], "", ""))
    for name, mixed in found.interleaved.items():
        for line in _of_mixed(name, mixed):
            output.tell(line)


def _of_arm(arm: str, outcome: Outcome) -> Remark:
    users, lists, shown = outcome.users, outcome.lists, outcome.coverage
    return Remark(
        f"{arm}: {users:,} users, {lists:,} lists, {shown:.1%} of the catalogue shown",
        f"{arm}：{users:,} 位用户，{lists:,} 个列表，展示了目录的 {shown:.1%}",
    )


def _of_mixed(name: str, mixed: Preference) -> list[Remark]:
    """Return what came of interleaved lists, a line each."""
    share = _said(mixed.credit)
    return [
        Remark(
            f"{name}: {mixed.users:,} users, {mixed.lists:,} lists; {mixed.personal:,} took more of the personal side,",
            f"{name}：{mixed.users:,} 位用户，{mixed.lists:,} 个列表；{mixed.personal:,} 位更多选择个性化一侧，",
        ),
        Remark(
            f"  {mixed.impersonal:,} of the other (sign test p = {mixed.p:.3g})",
            f"  {mixed.impersonal:,} 位更多选择另一侧（符号检验 p = {mixed.p:.3g}）",
        ),
        Remark(
            f"  share of the personal side in what was taken: {share}", f"  个性化一侧在所选中的份额：{share.chinese}"
        ),
    ]


def estimate(file: File, settings: Settings = None, as_json: AsJson = False) -> None:
    """Estimate what these settings would have earned, from the lists logged with their chances.

    The model is trained on the events before the lists. First each place is asked anew, with the same list above it;
    then whole lists made by these settings, the first places alone and ever more of them. Where the log carries too
    little, this says so.

    根据记有展示概率的列表日志，估计换成这些设置会有怎样的收益。

    用列表之前的行为训练模型。先固定每个位置上方的列表，逐个位置估计；再估计完全由这些设置给出的列表，先只看最前面的位
    置，逐步扩大。日志信息不足时会指出来。
    """
    from dataclasses import asdict

    from feilun.storage.database import open_database
    from feilun.workflow.applications.recommendation.estimate import estimate_settings
    from feilun.workflow.applications.recommendation.file import read_application
    from feilun.workflow.applications.recommendation.prepared import prepare

    read = read_application(file, settings or ())
    database = open_database()
    try:
        estimates = estimate_settings(read, prepare(read, database), screen=output.terminal())
    finally:
        database.close()
    found, doubts = estimates.places, estimates.places.doubts()
    if as_json:
        lists = [{**asdict(one), "conclusive": not one.doubts(), "doubts": one.doubts()} for one in estimates.lists]
        output.print_json({**asdict(found), "conclusive": not doubts, "doubts": doubts, "lists": lists})
        return
    for line in _of_places(found):
        output.tell(line)
    if doubts:
        output.tell(_too_little("", doubts))
        output.tell(
            Remark(
                "More exploration (list.exploration), more lists or smaller changes tell more.",
                "增加探索（list.exploration）、积累更多列表或改动小一些，就能看出更多。",
            )
        )
    for one in estimates.lists:
        for line in _of_lists(one):
            output.tell(line)


def _of_places(found: Estimate) -> list[Remark]:
    """Return what changed places would have earned, a line each."""
    earned, gain = _said(found.earned), _said(found.gain)
    weighted, robust = _said(found.weighted), _said(found.robust)
    return [
        Remark(
            f"{found.places:,} places of {found.users:,} users, {found.drawn:,} of them drawn by chance",
            f"{found.users:,} 位用户的 {found.places:,} 个位置，其中 {found.drawn:,} 个是随机抽取的",
        ),
        Remark(
            f"the lists shown:       {earned} of the places acted on",
            f"展示过的列表：      {earned.chinese} 的位置有行为",
        ),
        Remark(f"these settings, IPS:   {weighted}", f"这些设置（IPS）：   {weighted.chinese}"),
        Remark(f"doubly robust:         {robust}", f"双重稳健：          {robust.chinese}"),
        Remark(f"difference (IPS):      {gain}", f"差（IPS）：         {gain.chinese}"),
        Remark(
            f"effective sample size: {found.effective:,.0f} places; the log holds {found.covered:.0%} of these lists",
            f"有效样本量：        {found.effective:,.0f} 个位置；日志包含这些列表的 {found.covered:.0%}",
        ),
    ]


def _of_lists(one: ListEstimate) -> list[Remark]:
    """Return what the first places of whole lists would have earned, a line each."""
    earned, cascade, robust, whole, gain = (
        _said(figure, "count") for figure in (one.earned, one.cascade, one.robust, one.whole, one.gain)
    )
    lines = [
        Remark(
            f"\nFirst {one.depth} places of {one.lists:,} lists, places acted on a list",
            f"\n{one.lists:,} 个列表的前 {one.depth} 个位置，每个列表有行为的位置数",
        ),
        Remark(f"  the lists shown:     {earned}", f"  展示过的列表：    {earned.chinese}"),
        Remark(
            f"  these settings:      {cascade}  (each place with what is above it)",
            f"  这些设置：        {cascade.chinese}（每个位置连同其上方）",
        ),
        Remark(f"  doubly robust:       {robust}", f"  双重稳健：        {robust.chinese}"),
        Remark(f"  as a whole, IPS:     {whole}", f"  整体（IPS）：     {whole.chinese}"),
        Remark(f"  difference:          {gain}", f"  差：              {gain.chinese}"),
        Remark(
            f"  effective:           {one.effective:,.0f} lists; the log holds {one.covered:.0%} of these",
            f"  有效样本量：      {one.effective:,.0f} 个列表；日志包含其中的 {one.covered:.0%}",
        ),
    ]
    return [*lines, _too_little("  ", doubts)] if (doubts := one.doubts()) else lines


def _too_little(indent: str, doubts: Sequence[Remark]) -> Remark:
    why = joined(doubts)
    return Remark(f"{indent}NOT ENOUGH TO CONCLUDE: {why}.", f"{indent}不足以得出结论：{why.chinese}。")


def _word(measure: str) -> Remark:
    return Remark(measure.replace("_", " "), MEASURES_ZH.get(measure, measure))


def _measured(indent: str, measure: str, figure: Remark) -> Remark:
    word = _word(measure)
    return Remark(f"{indent}{word:<18}{figure}", f"{indent}{word.chinese}：{figure.chinese}")


def _said(figure: Figure | None, measure: str = "") -> Remark:
    if figure is None:
        return Remark("not known", "未知")
    form = ".1f" if measure.startswith("seconds") else ".3f" if measure == "count" else ".1%"
    if figure.low is None or figure.high is None:
        return Remark(f"{figure.value:{form}}", f"{figure.value:{form}}")
    low, high = f"{figure.low:{form}}", f"{figure.high:{form}}"
    return Remark(f"{figure.value:{form}} ({low} to {high})", f"{figure.value:{form}}（{low} 到 {high}）")
