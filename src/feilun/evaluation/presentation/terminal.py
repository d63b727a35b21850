"""A report for the terminal: the business words first, then the figures beside those of the baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from feilun.core.report import Report
from feilun.evaluation.presentation.remarks import BASELINES_ZH, COLUMNS_ZH, notes
from feilun.evaluation.presentation.words import Language, decision_sentences
from feilun.evaluation.slices import natural_order
from feilun.text.printable import printable

MOST_LABELS = 15
"""Labels that the table shows; of more, those with the lowest f1."""

METRICS: Mapping[str, Mapping[Language, str]] = {
    "mean": {"en": "mean of the tasks' first figures", "zh": "各任务首要指标的均值"},
    "ndcg@10": {"en": "NDCG@10", "zh": "NDCG@10"},
    "mrr@10": {"en": "MRR@10", "zh": "MRR@10"},
    "recall@1": {"en": "recall of the first found", "zh": "召回率（第一名）"},
    "recall@5": {"en": "recall of the first five", "zh": "召回率（前五名）"},
    "recall@10": {"en": "recall of the first ten", "zh": "召回率（前十名）"},
    "accuracy": {"en": "accuracy", "zh": "准确率"},
    "f1": {"en": "F1 of the same", "zh": "F1（同义）"},
    "precision": {"en": "precision of the same", "zh": "精确率（同义）"},
    "recall": {"en": "recall of the same", "zh": "召回率（同义）"},
    "average_precision": {"en": "average precision", "zh": "平均精确率（AP）"},
    "subset_accuracy": {"en": "accuracy of the whole set", "zh": "整组标签全对率"},
    "micro_f1": {"en": "micro-F1", "zh": "微平均 F1"},
    "entity_f1": {"en": "entity F1", "zh": "实体 F1"},
    "entity_precision": {"en": "entity precision", "zh": "实体精确率"},
    "entity_recall": {"en": "entity recall", "zh": "实体召回率"},
    "partial_f1": {"en": "entity F1 by overlap", "zh": "实体 F1（重叠即算）"},
    "macro_f1": {"en": "macro-F1", "zh": "宏平均 F1"},
    "weighted_f1": {"en": "weighted F1", "zh": "加权 F1"},
    "micro_precision": {"en": "micro precision", "zh": "微平均精确率"},
    "micro_recall": {"en": "micro recall", "zh": "微平均召回率"},
    "hamming_loss": {"en": "Hamming loss (lower is better)", "zh": "汉明损失（越低越好）"},
    "ndcg": {"en": "nDCG of the five best", "zh": "前五名 nDCG"},
    "perplexity": {"en": "perplexity of the known answers (lower is better)", "zh": "参考答案的困惑度（越低越好）"},
    "rouge_l": {"en": "ROUGE-L", "zh": "ROUGE-L（按字）"},
    "rouge_l_words": {"en": "ROUGE-L by words", "zh": "ROUGE-L（按词）"},
    "exact_match": {"en": "answers that are the same", "zh": "完全一致的比例"},
    "r2": {"en": "R²", "zh": "R²"},
    "mae": {"en": "mean absolute error (lower is better)", "zh": "平均绝对误差（越低越好）"},
    "rmse": {"en": "root mean squared error (lower is better)", "zh": "均方根误差（越低越好）"},
    "coverage": {"en": "truths within the interval", "zh": "真值落入区间的比例"},
    "interval_width": {"en": "width of the interval (lower is better)", "zh": "区间宽度（越低越好）"},
    "map@10": {"en": "mean average precision of the first ten", "zh": "MAP@10"},
    "auc": {"en": "AUC within queries", "zh": "组内 AUC"},
    "roc_auc": {"en": "ROC-AUC", "zh": "ROC-AUC"},
    "log_loss": {"en": "log loss (lower is better)", "zh": "对数损失（越低越好）"},
    "brier": {"en": "Brier score (lower is better)", "zh": "Brier 分（越低越好）"},
    "expected_calibration_error": {"en": "calibration error (lower is better)", "zh": "校准误差（越低越好）"},
}
"""Metrics that people are shown, in order."""

LEFT_OUT: Mapping[str, frozenset[str]] = {"classify": frozenset({"micro_f1"})}
"""By task what says nothing new: with one label a text, micro-F1 equals the accuracy."""

_WORDS: Mapping[str, Mapping[Language, str]] = {
    "judged": {"en": "Judged on {n} texts", "zh": "在 {n} 条文本上评估"},
    "interval": {"en": "95 % intervals in brackets", "zh": "括号内为 95% 区间"},
    "metric": {"en": "metric", "zh": "指标"},
    "model": {"en": "this model", "zh": "本模型"},
    "labels": {"en": "By label", "zh": "按标签"},
    "worst": {"en": "By label: the {shown} lowest f1 of {all}", "zh": "按标签：{all} 个中 F1 最低的 {shown} 个"},
    "label": {"en": "label", "zh": "标签"},
    "precision": {"en": "precision", "zh": "精确率"},
    "recall": {"en": "recall", "zh": "召回率"},
    "support": {"en": "texts", "zh": "条数"},
    "spans": {"en": "spans", "zh": "实体数"},
    "slices": {"en": "By {column}", "zh": "按{column}"},
    "notes": {"en": "Notes", "zh": "备注"},
}


def render(report: Report, language: Language = "en") -> RenderableType:
    """Lay a report out for the terminal.

    Args:
        report: The report.
        language: `zh` or `en`.

    Returns:
        Something that rich prints; labels and values stand in it as they are, never as markup.
    """
    return Group(*_parts(report, language))


def interval(value: float, low: float | None, high: float | None) -> str:
    """Show a figure, and its interval where there is one."""
    return _shown(value) if low is None or high is None else f"{_shown(value)} ({_shown(low)}–{_shown(high)})"


def _shown(value: float) -> str:
    """Show three digits behind the point, and of large numbers as many as say something."""
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def _parts(report: Report, language: Language) -> Iterator[RenderableType]:
    for sentence in decision_sentences(report, language):
        yield Text(sentence, style="bold")
    yield Text()
    yield _metrics(report, language)
    if any("f1" in row for row in report.per_label.values()):
        yield _labels(report, language)
    for column in (column for column, values in report.slices.items() if len(values) > 1):
        yield _slices(report, column, language)
    remarks = notes(report, language)
    if remarks:
        yield Text(_WORDS["notes"][language], style="bold")
        yield from (Text(f"• {printable(remark)}") for remark in remarks)


def metric_rows(report: Report, language: Language) -> Iterator[list[str]]:
    """Yield a row for each metric that people are shown: its name, its figure, and that of each baseline."""
    for task in dict.fromkeys(name.rpartition(".")[0] for name in report.metrics):  # "" where there is one task
        for metric, shown in METRICS.items():
            name = f"{task}.{metric}" if task else metric
            if name in report.metrics and metric not in LEFT_OUT.get(report.task, ()):
                figure = report.metrics[name]
                others = [_shown(row[name]) if name in row else "–" for row in report.baselines.values()]
                called = f"{printable(task)}: {shown[language]}" if task else shown[language]
                yield [called, interval(figure.value, figure.low, figure.high), *others]


def slice_metrics(values: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the metrics that slices have, in the order in which people are shown them."""
    return [metric for metric in METRICS if any(metric in row for row in values.values())]


def _metrics(report: Report, language: Language) -> Table:
    judged = _WORDS["judged"][language].format(n=f"{report.n:,}")
    with_intervals = any(figure.low is not None for figure in report.metrics.values())
    title = f"{judged} · {_WORDS['interval'][language]}" if with_intervals else judged
    names = [BASELINES_ZH.get(name, name) if language == "zh" else name for name in report.baselines]
    table = _table(title, [_WORDS["metric"][language], _WORDS["model"][language], *names])
    for row in metric_rows(report, language):
        table.add_row(*row)
    return table


def _labels(report: Report, language: Language) -> Table:
    lowest = sorted(report.per_label, key=lambda name: report.per_label[name]["f1"])
    few = len(lowest) <= MOST_LABELS
    counts = {"shown": MOST_LABELS, "all": len(lowest)}
    title = _WORDS["labels"][language] if few else _WORDS["worst"][language].format(**counts)
    heads = [_WORDS[key][language] for key in ("label", "precision", "recall")]
    table = _table(title, [*heads, "F1", _WORDS["spans" if report.task == "tag" else "support"][language]])
    # Stored as JSON, per_label may have lost its order; report.labels keeps it.
    for name in [name for name in report.labels if name in report.per_label] if few else lowest[:MOST_LABELS]:
        row = report.per_label[name]
        f1 = interval(row["f1"], row.get("f1_low"), row.get("f1_high"))
        table.add_row(
            Text(printable(name)), f"{row['precision']:.3f}", f"{row['recall']:.3f}", f1, f"{row['support']:,.0f}"
        )
    return table


def _slices(report: Report, column: str, language: Language) -> Table:
    column_shown = COLUMNS_ZH.get(column, column) if language == "zh" else column
    metrics = slice_metrics(report.slices[column])
    heads = [column_shown, *(METRICS[metric][language] for metric in metrics), _WORDS["support"][language]]
    table = _table(_WORDS["slices"][language].format(column=column_shown), heads)
    for value in natural_order(report.slices[column]):
        row = report.slices[column][value]
        figures = [interval(row[m], row.get(f"{m}_low"), row.get(f"{m}_high")) for m in metrics]
        table.add_row(Text(printable(value)), *figures, f"{row['n']:,.0f}")
    return table


def _table(title: str, heads: list[str]) -> Table:
    table = Table(title=Text(printable(title)), title_justify="left", title_style="bold")
    for index, head in enumerate(heads):
        table.add_column(Text(printable(head)), justify="right" if index else "left")
    return table
