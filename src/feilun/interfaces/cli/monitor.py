"""`feilun monitor`: how a model fares in service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import option
from feilun.interfaces.cli.options import AsJson, BundleName, Threads

if TYPE_CHECKING:
    from rich.table import Table

    from feilun.core.report import Figure
    from feilun.monitoring.drift import Signal
    from feilun.workflow.loop.alarms import Alarm
    from feilun.workflow.loop.monitor import Window

EXAMPLES = (
    "feilun monitor reviews",
    "feilun monitor reviews@3 --count 500 --hours 24 --json",
    "feilun monitor reviews --count 1000 --tell dingtalk://TOKEN --accuracy-below 0.85",
)

SHOWN_LABELS = 4

HEADS = (
    Remark("window", "窗口"),
    Remark("texts", "文本数"),
    Remark("from", "起始"),
    Remark("median ms", "毫秒（中位数）"),
    Remark("answers", "回答"),
    Remark("to a person", "转人工"),
    Remark("drift", "漂移"),
    Remark("accuracy, estimated", "准确率，估计"),
    Remark("accuracy, feedback", "准确率，反馈"),
)
DRIFT, NO_DRIFT = Remark("DRIFT", "有漂移"), Remark("none found", "未发现")
RULES = {"drift": Remark("drift", "漂移"), "accuracy": Remark("accuracy", "准确率")}


def monitor(
    bundle: BundleName,
    count: Annotated[
        list[int] | None,
        option(
            "A window of the last so many predictions; may be given again.",
            "最近这么多次预测为一个窗口；可以重复给出。",
            min=1,
            show_default=False,
        ),
    ] = None,
    hours: Annotated[
        list[float] | None,
        option(
            "A window of the last so many hours; may be given again.",
            "最近这么多小时为一个窗口；可以重复给出。",
            min=0.01,
            show_default=False,
        ),
    ] = None,
    alpha: Annotated[
        float,
        option("Chance of a false alarm in a window without drift.", "窗口没有漂移时误报的概率。", min=0.001, max=0.5),
    ] = 0.01,
    tell: Annotated[
        list[str] | None,
        option(
            "Tell apprise's address of alarms by the first window; may be given again.",
            "第一个窗口出现告警时通知的 apprise 地址；可以重复给出。",
            envvar="FEILUN_TELL",
            metavar="ADDRESS",
            show_default=False,
        ),
    ] = None,
    accuracy_below: Annotated[
        float | None,
        option(
            "Accuracy by feedback that is an alarm when surely below.",
            "按反馈计算的准确率确定低于此值时告警。",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Show how a model fares in service: volume, labels, drift, accuracy, feedback.

    Compares what was observed with the rows that the model was validated on. With --json, one object a window. With
    --tell, made for a timer, people are told once when an alarm opens, and once when it is over.

    显示模型上线后的表现：用量、标签、漂移、准确率、反馈。

    把观测到的与验证模型时所用的行作比较。加 --json 时每个窗口一个对象。--tell 供定时任务使用：告警出现时通知一次，解除
    时再通知一次。
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.core.errors import UsageError
    from feilun.storage.database import open_database
    from feilun.workflow.loop import alarms
    from feilun.workflow.loop import monitor as watching

    if accuracy_below is not None and not tell:
        raise UsageError(
            Remark(
                "--accuracy-below opens an alarm, and nobody is to be told.",
                "--accuracy-below 会打开告警，但没有可通知的人。",
            ),
            Remark("Give --tell ADDRESS too.", "请同时给出 --tell ADDRESS。"),
        )
    spans = [*(watching.Span(count=n) for n in count or ()), *(watching.Span(hours=n) for n in hours or ())]
    opened = open_bundle(bundle, threads=threads)
    model = f"{opened.name}@{opened.version}"
    database = open_database()
    try:
        windows = watching.watch(opened, database, spans or watching.SPANS, alpha=alpha)
        rules = alarms.AlarmRules(accuracy_below)
        changed = alarms.tell(model, windows[0], rules, database, tell, output.language()) if tell else []
    finally:
        database.close()
    if as_json:
        for window in windows:
            output.print_json({"model": model, **window.to_json()})
        for alarm in changed:
            output.print_json(alarm.to_json())
        return
    _show(model, windows, changed)


def _show(model: str, windows: list[Window], changed: list[Alarm]) -> None:
    console = output.result_console()
    console.print(model, style="bold")
    console.print(_table(windows))
    findings: dict[str, list[str]] = {}
    for window in windows:
        for line in _findings(window):
            findings.setdefault(line, []).append(window.name)
    for line, names in findings.items():
        said = joined([joined(names, ", ", "、"), line], ": ", "：")
        console.print(f"  {output.said(said)}", soft_wrap=True, highlight=False)
    for alarm in changed:
        opened = Remark("alarm opened", "告警") if alarm.opened else Remark("alarm over", "告警解除")
        rule = joined([RULES[alarm.rule], alarm.reason], ", ", "，")
        console.print(f"  {output.said(joined([opened, rule], ': ', '：'))}", soft_wrap=True, highlight=False)


def _table(windows: list[Window]) -> Table:
    table = output.table(*HEADS)
    for window in windows:
        shares = [f"{label} {share:.0%}" for label, share in list(window.labels.items())[:SHOWN_LABELS]]
        shares += [
            f"{name} {low:.4g} – {middle:.4g} – {high:.4g}" for name, (low, middle, high) in window.values.items()
        ]
        more = len(window.labels) - SHOWN_LABELS
        labels = joined(shares, ", ", "、")
        table.add_row(
            output.said(window.name),
            f"{window.rows:,}",
            "" if window.since is None else f"{datetime.fromtimestamp(window.since):%m-%d %H:%M}",
            "" if window.latency is None else f"{window.latency[0] * 1000:.1f}",
            output.said(
                Remark(f"{labels} and {more} more", f"{labels.chinese} 等，另有 {more} 个") if more > 0 else labels
            ),
            f"{window.abstained:.0%}" if window.rows else "",
            "" if window.drift is None else output.said(DRIFT if window.drift.drifted else NO_DRIFT),
            _figure(window.estimated),
            _figure(window.observed.accuracy),
        )
    return table


def _findings(window: Window) -> list[str]:
    found = [window.note] if window.note else []
    if window.drift is not None:
        found += [_drifted(signal) for signal in window.drift.signals if signal.drifted]
    said = window.observed
    for name, figure in said.figures.items():
        found.append(Remark(f"{name} by feedback: {_figure(figure)}", f"按反馈计算的 {name}：{_figure(figure)}"))
    if said.refused:
        found.append(
            Remark(
                f"{said.refused} called wrong, the right answer not told", f"{said.refused} 个被说错而没有给出正确答案"
            )
        )
    if said.conflicting:
        found.append(Remark(f"{said.conflicting} with conflicting feedback", f"{said.conflicting} 个的反馈互相矛盾"))
    return found


def _drifted(signal: Signal) -> Remark:
    change = joined(["", signal.change], ": ", "：") if signal.change else Remark("", "")
    p = f"{signal.p_value:.3f}"
    return Remark(f"{signal.name} drifted{change} (p = {p})", f"{signal.name} 漂移{change.chinese}（p = {p}）")


def _figure(figure: Figure | None) -> str:
    if figure is None:
        return ""
    ends = "" if figure.low is None or figure.high is None else f" ({figure.low:.3g} – {figure.high:.3g})"
    return f"{figure.value:.4g}{ends}"
