"""An evaluation and a list, as lines of a terminal in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from rich.cells import cell_len

from feilun.apps.recommendation.answering.answer import Answer
from feilun.apps.recommendation.judging.against_baselines import Judged
from feilun.apps.recommendation.judging.reliability import Reliability
from feilun.core.remark import Language, Remark, said_in
from feilun.workflow.applications.recommendation.judging import Evaluation

SHOWN = ("ndcg@10", "recall@10", "hr@10", "mrr@10")
NAMED = 28
"""Columns of the terminal for the name of a row."""

ROWS_ZH = {
    "popularity": "热度", "ours": "本应用", "ours, without text": "本应用，不用文本", "texts": "文本",
    "ours, without collaborative": "本应用，不用协同", "ours, without context": "本应用，不用上下文",
    "ours, no interest model": "本应用，没有兴趣模型", "category mean": "类目均值", "interest model": "兴趣模型",
    "coverage": "覆盖率", "novelty": "新颖度", "newcomers": "新用户", "light": "轻度用户", "heavy": "重度用户",
}  # fmt: skip
"""Names of an evaluation in Chinese; others, such as ALS, are the same."""

LIKELY = {
    "en": {"impressions": "click", "next": "taken next", "explored": "drawn by chance"},
    "zh": {"impressions": "点击概率", "next": "下一个所选", "explored": "随机探索"},
}


def table_of(evaluation: Evaluation) -> list[Remark]:
    """Return the evaluation as lines."""
    users, items = evaluation.users, evaluation.items
    head = Remark(
        f"\n{users:,} users, {items:,} items, temporal split, full ranking",
        f"\n{users:,} 位用户，{items:,} 个商品，按时间切分，对全部商品排序",
    )
    columns = _both(lambda language: " " * NAMED + "".join(
        _right(_named(name, language), 12) for name in (*SHOWN, "coverage", "novelty")))  # fmt: skip
    cold = Remark(
        "\nItems hidden from training, ranked among themselves (cold start)",
        "\n训练时隐去的商品，彼此之间排序（冷启动）",
    )
    return [
        head, columns, *[_row(name, judged) for name, judged in evaluation.rows.items()],
        *_by_segment(evaluation.rows), cold, *[_row(name, judged) for name, judged in evaluation.cold.items()],
        *(_reliable(evaluation.clicks) if evaluation.clicks else []),
    ]  # fmt: skip


def _by_segment(rows: Mapping[str, Judged]) -> list[Remark]:
    """Return NDCG@10 by how much is known of the users, as lines."""
    segments = next(iter(rows.values())).segments
    title = Remark("\nNDCG@10 by how much is known of the users", "\n按对用户的了解程度分列的 NDCG@10")
    columns = _both(lambda language: " " * NAMED + "".join(
        _right(f"{_named(name, language)} ({one.users:,})", 18) for name, one in segments.items()))  # fmt: skip
    lines = [title, columns]
    for name, judged in rows.items():
        figures = [one.figures.get("ndcg@10") for one in judged.segments.values()]
        cells = "".join(f"{one.value:>18.3f}" if one else f"{'':>18}" for one in figures)
        lines.append(_line(name, cells))
    return lines


def _reliable(clicks: Reliability) -> list[Remark]:
    """Return how far the probabilities can be trusted, as lines."""
    of = {
        "impressions": Remark(
            "Probabilities of a click, on places that were shown after training", "点击概率，在训练之后展示的位置上"
        ),
        "next": Remark(
            "No list was logged: probabilities that a candidate is taken next, on what was taken after training",
            "没有记录列表：候选成为下一个所选的概率，在训练之后的选择上",
        ),
    }[clicks.basis]
    rate, error, area = clicks.base_rate, clicks.expected_calibration_error, clicks.area_under_curve
    return [
        Remark(f"\n{of} ({clicks.rows:,})", f"\n{of.chinese}（{clicks.rows:,} 个）"),
        Remark(
            f"  said {clicks.predicted:.1%}, happened {rate:.1%}, calibration error {error:.3f}, AUC {area:.3f}, log "
            f"loss {clicks.log_loss:.4f} (who always says {rate:.1%}: {clicks.log_loss_of_base_rate:.4f})",
            f"  给出 {clicks.predicted:.1%}，实际 {rate:.1%}，校准误差 {error:.3f}，AUC {area:.3f}，对数损失 "
            f"{clicks.log_loss:.4f}（总说 {rate:.1%} 时为 {clicks.log_loss_of_base_rate:.4f}）",
        ),
    ]


def _row(name: str, judged: Judged) -> Remark:
    figures = [f"{judged.figures[m].value:>12.3f}" if m in judged.figures else f"{'':>12}" for m in SHOWN]
    more = [f"{judged.catalogue.get(m, 0):>12.3f}" for m in ("coverage", "novelty")]
    return _line(name, "".join(figures + more))


def _line(name: str, cells: str) -> Remark:
    return _both(lambda language: _named(name, language).ljust(NAMED - _wide(_named(name, language))) + cells)


def _both(line: Callable[[Language], str]) -> Remark:
    return Remark(line("en"), line("zh"))


def _named(name: str, language: Language) -> str:
    return ROWS_ZH.get(name, name) if language == "zh" else name


def _right(text: str, columns: int) -> str:
    return text.rjust(columns - _wide(text))


def _wide(text: str) -> int:
    """Return how many columns more than characters a text takes."""
    return cell_len(text) - len(text)


def show(title: str, answer: Answer, language: Literal["zh", "en"], say: Callable[[str], Any]) -> None:
    """Say a list, a line each."""
    say(title)
    words = LIKELY[language]
    if answer.note:
        say(f"  ({said_in(language, answer.note)})")
    for number, place in enumerate(answer.places, 1):
        likely = "" if place.probability is None else f"  {words[answer.basis]} {share(place.probability)}"
        drawn = f"  {words['explored']} ({share(place.propensity)})" if place.explored else ""
        say(f"  {number:>2}. {place.item.title}  [{place.reason.said(language)}]{likely}{drawn}")
        if number == 1 and place.contributions:
            say("      " + _shares(list(place.contributions.items())[:4]))


def share(value: float) -> str:
    """Write a share in percent; a small one with two digits that tell something, so that it is not rounded to none."""
    return f"{100 * value:.2g}%" if 0 < value < 0.095 else f"{value:.0%}"


def _shares(parts: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {value:+.2f}" for name, value in parts)
