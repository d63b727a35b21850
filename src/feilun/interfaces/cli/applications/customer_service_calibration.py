"""What `feilun customer-service train` says of how sure an answer has to be, and of what it could not find out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.interfaces.cli import output

if TYPE_CHECKING:
    from feilun.apps.customer_service.finding.calibration import Calibration
    from feilun.apps.customer_service.finding.held_out import Thresholds

WORDS = {
    "en": {
        "FAQ": "FAQ", "documents": "documents",
        "own": "{name}: answers from {threshold:.3f} on; of {questions} held-out questions {answered:.0%} of the "
        "answerable are answered, {declined:.0%} of the others declined, {precision:.0%} of the answers to the former "
        "are right",
        "borrowed": "{name}: answers from {threshold:.3f} on, by the weights of the packaged bank; of {left_out} "
        "questions without an entry {declined:.0%} are declined",
        "measured": "  of {ways} variants that were held out {answered:.0%} are answered{right}",
        "right": ", {precision:.0%} of these rightly",
        "unknown": "What share of your customers' questions is answered, and how many of these rightly, is not known: "
        "the FAQ has {ways}. The threshold is cautious, so that questions are declined or asked back that could be "
        "answered.",
        "no ways": "no variants", "few ways": "too few variants to say it closely",
        "better": "To get better, give at least {fewest} entries two variants each (column `variants`, with | between "
        "them; customers' own words are best) and train again. Until then approve candidates, each of which teaches a "
        "way to ask, or lower ladder.declined.",
    },
    "zh": {
        "FAQ": "FAQ", "documents": "文档",
        "own": "{name}：概率达到 {threshold:.3f} 才回答；在 {questions} 个留出的问题中，有答案的回答了 {answered:.0%}，"
        "无答案的拒答了 {declined:.0%}，对前者的回答有 {precision:.0%} 正确",
        "borrowed": "{name}：概率达到 {threshold:.3f} 才回答，权重借自自带的示例银行；"
        "{left_out} 个没有对应条目的问题中拒答了 {declined:.0%}",
        "measured": "  {ways} 个留出的问法中回答了 {answered:.0%}{right}",
        "right": "，其中 {precision:.0%} 正确",
        "unknown": "客户的问题有多少能得到回答、回答有多少正确，目前无法得知：FAQ {ways}。"
        "阈值从严，有些本可回答的问题会被拒答或反问。",
        "no ways": "没有其他问法", "few ways": "的其他问法太少，说不准",
        "better": "要提高效果：给至少 {fewest} 个条目各写两种问法（`variants` 列，用 | 分隔，最好是客户的原话），"
        "然后重新训练。"
        "在此之前可以审批候选问题（每个都教会一种问法），或调低 ladder.declined。",
    },
}  # fmt: skip


def show_calibration(found: Thresholds) -> None:
    """Print how sure the rungs have to be, what that is measured on, and how to get better where that is little."""
    from feilun.apps.customer_service.finding.held_out import FEWEST

    words = WORDS[output.language()]
    for name, rung in (("FAQ", found.curated), ("documents", found.grounded)):
        print(words["borrowed" if rung.left_out else "own"].format(**{**vars(rung), "name": words[name]}))
        if rung.left_out and rung.questions:
            print(_measured(rung, words))
    if found.curated.left_out:
        ways = words["few ways" if found.curated.questions else "no ways"]
        print(words["unknown"].format(ways=ways))
        print(words["better"].format(fewest=FEWEST))


def _measured(rung: Calibration, words: dict[str, str]) -> str:
    right = words["right"].format(precision=rung.precision) if rung.precision is not None else ""
    return words["measured"].format(ways=rung.questions // 2, answered=rung.answered, right=right)
