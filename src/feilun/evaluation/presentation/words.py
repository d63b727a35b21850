"""What a report means for the business, in plain sentences of Chinese and English whose numbers add up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from feilun.core.report import Report

Language = Literal["zh", "en"]

SCALES = (100, 1_000, 10_000)
"""Sentences speak of so many texts: the first on which no count that is there rounds to none."""


def decision_sentences(report: Report, language: Language) -> list[str]:
    """Say what of a number of texts the machine decides, what it errs on, and what goes to a person.

    Args:
        report: A report with `decisions`.
        language: `zh` or `en`.

    Returns:
        Finished sentences, the most important first: the decisions as they stand; where nothing goes to a person,
        what the best trade-off would be; where costs are known, what the decisions cost.
    """
    decisions = report.decisions
    if not decisions or not decisions["n"]:
        return []
    sentences = [_decided(decisions["n"], decisions["decided"], decisions["wrong"], language)]
    if not decisions["to_person"]:
        sentences += _trade_off(report, language)
    if "cost" in decisions:
        sentences.append(_costs(decisions, language))
    return sentences


def shares_of(n: int, decided: int, wrong: int) -> tuple[int, int, int, int]:
    """Scale counts to a round number of texts.

    Args:
        n: Rows, at least 1.
        decided: Rows that the machine decides.
        wrong: Decided rows on which it errs.

    Returns:
        The number of texts, and of those the decided, the wrong among them, and those that go to a person; decided
        and handed over add up to the number of texts, and a count that is not 0 stays above 0 where a scale allows it.
    """
    for scale in SCALES:
        shown = round(scale * decided / n)
        errors = min(round(scale * wrong / n), shown)
        rounded = (shown, errors, scale - shown)
        if all(part or not count for part, count in zip(rounded, (decided, wrong, n - decided), strict=True)):
            break
    return scale, *rounded


def best_trade_off(coverage: list[Mapping[str, float]]) -> Mapping[str, float] | None:
    """Pick the point of the coverage curve at which handing texts over avoids the most errors for the fewest texts.

    Args:
        coverage: Points `{threshold, coverage, accuracy}`; the last one decides all rows.

    Returns:
        The point where the share of errors avoided exceeds the share of right answers given up by the most
        (Youden 1950); None where no point avoids more than it gives up.
    """
    if not coverage or coverage[-1]["accuracy"] in (0, 1):
        return None
    right = coverage[-1]["accuracy"]

    def gain(point: Mapping[str, float]) -> float:
        kept_errors = point["coverage"] * (1 - point["accuracy"]) / (1 - right)
        kept_right = point["coverage"] * point["accuracy"] / right
        return kept_right - kept_errors

    best = max(coverage, key=gain)
    return best if gain(best) > 1e-9 else None


def _decided(n: float, decided: float, wrong: float, language: Language) -> str:
    scale, shown, errors, to_person = shares_of(int(n), int(decided), int(wrong))
    if language == "zh":
        if not decided:
            return f"每 {scale} 条文本，机器一条也不判定；{scale} 条全部转人工。"
        some = "全部" if decided == n else f" {shown} 条"
        erring = f"其中约 {errors} 条判错" if errors else ("其中判错的不到 1 条" if wrong else "无一判错")
        handed = f"{to_person} 条转人工" if to_person else ("转人工的不到 1 条" if decided < n else "无需转人工")
        return f"每 {scale} 条文本，机器自动判定{some}，{erring}；{handed}。"
    if not decided:
        return f"Of {scale:,} texts the machine decides none; all {scale:,} go to a person."
    some = f"all {shown:,}" if decided == n else f"{shown:,}"
    erring = f"errs on {errors:,}" if errors else ("errs on fewer than 1" if wrong else "errs on none")
    verb = "goes" if to_person == 1 else "go"
    handed = f"{to_person:,} {verb} to a person" if to_person else "fewer than 1 goes to a person"
    handed = handed if decided < n else "none goes to a person"
    return f"Of {scale:,} texts the machine decides {some} and {erring}; {handed}."


def _trade_off(report: Report, language: Language) -> list[str]:
    point = best_trade_off(list(report.coverage))
    if point is None:
        return []
    decided = round(point["coverage"] * report.n)
    wrong = round(decided * (1 - point["accuracy"]))
    threshold = point["threshold"]
    if decided == report.n:
        return []
    sentence = _decided(report.n, decided, wrong, language)
    unset = not report.decisions.get("threshold")
    if language == "zh":
        return [f"{'未设转人工阈值。' if unset else ''}若得分低于 {_score(threshold)} 的转人工：{sentence}"]
    opening = "No threshold is set. Were" if unset else "Were"
    return [f"{opening} texts with a score below {_score(threshold)} handed over: {_lower(sentence)}"]


def _costs(facts: Mapping[str, float], language: Language) -> str:
    """Compare three ways to decide 100 texts: the machine all, a person all, and the two together."""
    exact = [facts[key] * 100 / facts["n"] for key in ("cost", "cost_decide_all", "cost_review_all")]
    digits = 0 if max(exact) >= 1000 else 2
    both, machine, person = (round(cost, digits) for cost in exact)  # rounded before subtracting: it adds up
    saving = round(min(machine, person) - both, digits)
    error, review = (f"{facts[key]:,.10g}" for key in ("cost_error", "cost_review"))
    if language == "zh":
        less = f"{'省' if saving > 0 else '多花'} {_money(abs(saving))}" if saving else "成本相同"
        return (
            f"按每次判错 {error}、每次人工复核 {review} 计，每 100 条的成本为 {_money(both)}"
            f"（全部由机器判定为 {_money(machine)}，全部由人工复核为 {_money(person)}），与后两者中较省的相比，{less}。"
        )
    less = f"{_money(abs(saving))} {'less' if saving > 0 else 'more'} than" if saving else "as much as"
    return (
        f"With an error costing {error} and a review {review}, 100 texts cost {_money(both)} "
        f"(the machine alone {_money(machine)}, people alone {_money(person)}): {less} the cheaper of the two."
    )


def _money(amount: float) -> str:
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"


def _score(score: float) -> str:
    """Show a score with as many digits as tell it from 1."""
    digits = next((d for d in range(2, 6) if round(score, d) < 1), 6)
    return f"{score:.{digits}f}"


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
