"""What a reader of a report should be told beyond its figures: plain sentences, each for a reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from feilun.core.remark import Language, said_in
from feilun.core.report import Report

CHANCE = 1.96
"""Standard errors within which a difference may be chance, at 95 %."""

FEWEST_ROWS = 200
"""Below this the intervals are too wide to choose between good models."""

FEWEST_ROWS_OF_A_SLICE = 20
FEWEST_ROWS_OF_A_LABEL = 10
MOST_SLICES = 5
MOST_LABELS = 5

LARGEST_EXCESS = 0.03
"""Confidence above accuracy that is worth a remark, where the sample is large enough to tell."""

COUNTED_RIGHT = {
    "en": "of the texts that just one of them gets right, the model has {won} and the baseline {lost}.",
    "zh": "只有一方判对的文本中，模型判对 {won} 条，基线判对 {lost} 条。",
}
COUNTED = {
    "generate": {
        "en": "the model is nearer to the known answer on {won} texts, the baseline on {lost}.",
        "zh": "模型更接近已知答案的文本有 {won} 条，基线更接近的有 {lost} 条。",
    },
    "rank": {
        "en": "of the queries for which just one of them puts a relevant candidate first, the model has {won} and the "
        "baseline {lost}.",
        "zh": "只有一方把相关候选排在第一的查询中，模型有 {won} 个，基线有 {lost} 个。",
    },
    "regress": {
        "en": "the model is nearer to the truth on {won} texts, the baseline on {lost}.",
        "zh": "模型更接近真值的文本有 {won} 条，基线更接近的有 {lost} 条。",
    },
}
"""What two predictors are compared by, row by row, where it is not by who is right."""

BEFORE = "before"
"""How a report calls what a compressed model came from: it is to be kept up with, not beaten."""

BASELINES_ZH = {
    BEFORE: "压缩前",
    "majority class": "多数类",
    "commonest set of labels": "最常见的标签组",
    "TF-IDF + logistic regression": "TF-IDF + 逻辑回归",
    "mean": "均值",
    "the same answer to all": "恒定答案",
    "TF-IDF + linear model": "TF-IDF + 线性模型",
    "TF-IDF cosine": "TF-IDF 余弦",
    "beginning of the text": "文本开头",
    "base before training": "未微调的基座",
    "mentions of the training rows": "训练集词典",
    "TF-IDF + ridge regression": "TF-IDF + 岭回归",
    "columns + linear model": "特征列 + 线性模型",
    "columns + gradient boosting": "特征列 + 梯度提升树",
}
HEADLINE = {
    "classify": "macro_f1",
    "multilabel": "macro_f1",
    "rank": "ndcg@10",
    "generate": "rouge_l",
    "regress": "r2",
    "tag": "entity_f1",
    "similarity": "mrr@10",
    "multitask": "mean",
}
"""By task the figure by which a model is held against baselines."""

NAMES = {
    "macro_f1": ("macro-F1", "宏平均 F1"),
    "ndcg@10": ("NDCG@10", "NDCG@10"),
    "r2": ("R²", "R²"),
    "rouge_l": ("ROUGE-L", "ROUGE-L"),
    "entity_f1": ("entity F1", "实体 F1"),
    "mrr@10": ("MRR@10", "MRR@10"),
    "mean": ("mean of the tasks", "各任务均值"),
}
RIGHT = {"accuracy", "subset_accuracy"}
"""Names of the share of rows that are right, of which each task has one."""

COLUMNS_ZH = {"length": "长度", "language": "语言", "time": "月份", "group": "分组"}


def remarks(report: Report, language: Language) -> list[str]:
    """Write what the figures call for.

    Args:
        report: The figures.
        language: `zh` or `en`.

    Returns:
        Finished sentences: a baseline that is not beaten, too few rows, an accuracy that looks perfect, labels
        without rows or never predicted, slices well below the rest, scores that promise too much.
    """
    zh = language == "zh"
    if HEADLINE[report.task] not in report.metrics:
        return []
    if not RIGHT & report.metrics.keys():
        return [*_baselines(report, zh), *_sample(report, zh)]
    return [
        *_baselines(report, zh),
        *_sample(report, zh),
        *_labels(report, zh),
        *_weak_slices(report, zh),
        *_calibration(report, zh),
    ]


def notes(report: Report, language: Language) -> list[str]:
    """Return a report's notes in a language."""
    return [said_in(language, note) for note in report.notes]


def _baselines(report: Report, zh: bool) -> Iterator[str]:
    metric = HEADLINE[report.task]
    english, chinese = NAMES[metric]
    for name, figures in report.baselines.items():
        if name == BEFORE:
            continue
        shown = BASELINES_ZH.get(name, name) if zh else name
        ours, theirs = report.value(metric), figures[metric]
        won, lost = figures.get("only_model_right", 0), figures.get("only_baseline_right", 0)
        if ours <= theirs:
            yield (
                f"模型没有超过基线“{shown}”（{chinese} {ours:.3f} 对 {theirs:.3f}）：目前不值它的成本。"
                if zh
                else f"The model does not beat the baseline “{shown}” ({english} {ours:.3f} against {theirs:.3f}): "
                "it is not worth its cost as it is."
            )
        elif won - lost < CHANCE * (won + lost) ** 0.5:  # McNemar 1947
            counted = COUNTED.get(report.task, COUNTED_RIGHT)["zh" if zh else "en"].format(won=won, lost=lost)
            yield (
                f"模型对基线“{shown}”的领先（{chinese} {ours:.3f} 对 {theirs:.3f}）可能出于偶然：{counted}"
                if zh
                else f"The lead over the baseline “{shown}” ({english} {ours:.3f} against {theirs:.3f}) may be chance: "
                f"{counted}"
            )


def _labels(report: Report, zh: bool) -> Iterator[str]:
    rows = report.per_label
    chosen = [sum(column) for column in zip(*report.confusion, strict=True)]
    without = [name for name, row in rows.items() if not row["support"]]
    never = [name for name, count in zip(report.labels, chosen, strict=False) if not count and name not in without]
    few = [name for name, row in rows.items() if 0 < row["support"] < FEWEST_ROWS_OF_A_LABEL and name not in never]
    for names, one, several, chinese in (
        (without, "has no rows here, so nothing is known of it", "have no rows here, so nothing is known of them",
         "在这些数据里没有样本，其表现未知"),
        (never, "is never predicted", "are never predicted", "从未被预测"),
        (few, f"has fewer than {FEWEST_ROWS_OF_A_LABEL} rows here, so its figures say little",
         f"have fewer than {FEWEST_ROWS_OF_A_LABEL} rows here, so their figures say little",
         f"的样本不足 {FEWEST_ROWS_OF_A_LABEL} 条，其数字参考价值不大"),
    ):  # fmt: skip
        if names:
            listed = _listed(names, zh)
            yield (
                f"{len(report.labels)} 个标签中有 {len(names)} 个{chinese}：{listed}。"
                if zh
                else f"{len(names)} of {len(report.labels)} labels {one if len(names) == 1 else several}: {listed}."
            )


def _listed(names: Sequence[str], zh: bool) -> str:
    shown = ("、" if zh else ", ").join(names[:MOST_LABELS])
    if len(names) <= MOST_LABELS:
        return shown
    return f"{shown}等" if zh else f"{shown} and {len(names) - MOST_LABELS} more"


def _sample(report: Report, zh: bool) -> Iterator[str]:
    if report.n < FEWEST_ROWS:
        yield (
            f"只评估了 {report.n} 行：数字较粗，请看区间。"
            if zh
            else f"Only {report.n} rows were judged: the figures are rough, see their intervals."
        )
    if RIGHT & report.metrics.keys() and _right(report) == 1:
        # None of n rows: the rule of three gives the upper 95 % bound of a rate (Hanley and Lippman-Hand 1983).
        bound = min(1.0, 3 / report.n)
        yield (
            f"全部判对。但只有 {report.n} 行，真实错误率仍可能高达 {bound:.1%}；也请确认这些行没有用于训练。"
            if zh
            else f"Every row is right. With {report.n} rows the true error rate may still be as high as {bound:.1%}; "
            "check too that no row was seen in training."
        )


def _weak_slices(report: Report, zh: bool) -> Iterator[str]:
    overall, share = _right(report), next(iter(RIGHT & report.metrics.keys()))
    weak = [
        (row[share], column, value, row["n"])
        for column, values in report.slices.items()
        for value, row in values.items()
        if row["n"] >= FEWEST_ROWS_OF_A_SLICE and row[f"{share}_high"] < overall
    ]
    for accuracy, column, value, n in sorted(weak)[:MOST_SLICES]:
        shown = COLUMNS_ZH.get(column, column)
        yield (
            f"{shown}为 {value} 时较弱：{n} 行的准确率为 {accuracy:.3f}，总体为 {overall:.3f}。"
            if zh
            else f"Weaker where {column} is {value}: accuracy {accuracy:.3f} on {n} rows, {overall:.3f} over all."
        )


def _right(report: Report) -> float:
    """Return the share of rows that are right."""
    return next(report.value(name) for name in RIGHT if name in report.metrics)


def _calibration(report: Report, zh: bool) -> Iterator[str]:
    promised = sum(row["confidence"] * row["count"] for row in report.calibration) / report.n
    overall = _right(report)
    spread = CHANCE * (max(overall * (1 - overall), 1 / report.n) / report.n) ** 0.5
    if promised - overall > max(LARGEST_EXCESS, spread):
        yield (
            f"得分偏高：平均得分 {promised:.3f}，而判对的只有 {overall:.3f}。"
            if zh
            else f"The scores promise too much: on average {promised:.3f}, while {overall:.3f} of the rows are right."
        )
