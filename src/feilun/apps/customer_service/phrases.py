"""What it says of itself, in both languages, and what it understands without looking anything up."""

from __future__ import annotations

import re

from feilun.text.segment import HAN

PHRASES = {
    "zh": {
        "unknown": "抱歉，这个问题我暂时没有可靠的答案。您可以换个说法，或回复“转人工”。",
        "empty": "请输入您的问题。",
        "handoff": "好的，正在为您转接人工客服，请稍候。",
        "failed": "抱歉没能帮到您，正在为您转接人工客服，请稍候。",
        "clarify": "您想问的是下面哪一个？",
        "slot": "请告诉我{slot}，我才能继续。",
        "cancelled": "好的，已取消。",
        "invalid": "这不是有效的回答。",
        "which": "请告诉我哪一项不对：{fields}。",
        "angry": "非常抱歉给您带来不好的体验，正在为您转接人工客服，请稍候。",
        "long": "您的消息太长了，请用几句话说明问题。",
    },
    "en": {
        "unknown": "I am sorry, I have no reliable answer to that. Put it another way, or reply \"agent please\".",
        "empty": "Please type your question.",
        "handoff": "Of course. I am handing you over to a colleague; please wait a moment.",
        "failed": "I am sorry that I could not help. I am handing you over to a colleague; please wait a moment.",
        "clarify": "Which of these do you mean?",
        "slot": "Please tell me the {slot}, so that I can go on.",
        "cancelled": "All right, it is cancelled.",
        "invalid": "That is no valid answer. ",
        "which": "Please tell me what is wrong: {fields}.",
        "angry": "I am very sorry about this. I am handing you over to a colleague; please wait a moment.",
        "long": "Your message is too long. Please put your question in a few sentences.",
    },
}  # fmt: skip

AGENT = re.compile(
    r"转?(?:接)?人工(?:客服|服务|坐席)?|(?:找|要|叫|和|跟)(?:个)?(?:真人|人工|活人)|真人客服"
    r"|\b(?:agent|representative|operator) please\b"
    r"|\b(?:speak|talk|connect me|chat|transfer me)\b.{0,20}\b(?:human|person|agent|representative|operator|someone)\b"
    r"|\b(?:human|real person|live agent)\b",
    re.IGNORECASE,
)
"""A person is asked for."""

DECLINED = re.compile(
    r"不(?:要|用|需要|想).{0,3}(?:转|人工)|(?:don't|do not|no need).{0,20}(?:human|agent|person)", re.IGNORECASE
)
"""A person is spoken of, and not wanted."""

ANGER = re.compile(
    r"气死|垃圾(?:银行|公司|客服|服务|软件)?|你们.{0,6}骗子|骗子(?:银行|公司)|坑人|什么破(?:银行|公司|客服|软件|服务|系统)?|破银行|太差劲|差劲透|恶心|滚(?:蛋|开)|他妈|妈的|王八|混蛋|废物|智障|无语了|受够了"
    r"|\b(?:ridiculous|unacceptable|outrageous|disgusting|pathetic|furious|fed up|sick of|you scammers|useless"
    r"|worst (?:bank|service|company|app)|terrible service|f+u+c+k\w*|bullshit|idiots?|damn)\b",
    re.IGNORECASE,
)
"""Anger, by its commonest words."""

SHOUT = re.compile(r"[!！]{3,}|[?？!！]{5,}")
"""Anger, by its signs."""

FOLLOW_UP = re.compile(r"^(?:那么?|那如果|换成|如果是|and |what about|how about)|呢[？?]?$", re.IGNORECASE)
"""Begins or ends like a question that leaves out what the former one said."""

LONGEST_FOLLOW_UP = 14
"""Characters (Chinese) or words (English, halved) of a question that leans on the former one."""


def language_of(text: str) -> str:
    """Return `zh` where a text holds any Chinese character, else `en`."""
    return "zh" if HAN.search(text) else "en"


def wants_person(text: str) -> bool:
    """Say whether a customer asks for a person."""
    return bool(AGENT.search(text)) and not DECLINED.search(text)


def is_angry(text: str) -> bool:
    """Say whether a customer is angry."""
    return bool(ANGER.search(text) or SHOUT.search(text))


def leans_on_former(text: str) -> bool:
    """Say whether a question leaves out what the former one said, as 那信用卡呢 does."""
    length = len(text) if HAN.search(text) else 2 * len(text.split())
    return length <= LONGEST_FOLLOW_UP and bool(FOLLOW_UP.search(text.strip()))
