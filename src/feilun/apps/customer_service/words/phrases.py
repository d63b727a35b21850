"""What it says of itself, in both languages, and what it understands without looking anything up."""

from __future__ import annotations

import re
from itertools import chain

from feilun.knowledge.terms import simplified
from feilun.text.segment import HAN

PHRASES = {
    "zh": {
        "unknown": "抱歉，这个问题我暂时没有可靠的答案。您可以换个说法，或回复“转人工”。",
        "empty": "没有读到文字，请用文字说明您的问题。",
        "greeting": "您好，请问有什么可以帮您？",
        "thanks": "不客气。如果还有问题，请随时告诉我。",
        "noted": "好的。如果还有问题，请随时告诉我。",
        "handoff": "好的，正在为您转接人工客服，请稍候。",
        "failed": "抱歉没能帮到您，正在为您转接人工客服，请稍候。",
        "clarify": "您想问的是下面哪一个？",
        "slot": "请告诉我{slot}，我才能继续。",
        "cancelled": "好的，已取消。",
        "invalid": "抱歉，没能识别您的回答。",
        "which": "请告诉我哪一项不对：{fields}。",
        "angry": "非常抱歉给您带来不好的体验，正在为您转接人工客服，请稍候。",
        "long": "您的消息太长了，请用几句话说明问题。",
    },
    "en": {
        "unknown": "I am sorry, I have no reliable answer to that. Put it another way, or reply \"agent please\".",
        "empty": "There are no words in your message. Please type your question.",
        "greeting": "Hello, how can I help you?",
        "thanks": "You are welcome. If there is anything else, just ask.",
        "noted": "All right. If there is anything else, just ask.",
        "handoff": "Of course. I am handing you over to a colleague; please wait a moment.",
        "failed": "I am sorry that I could not help. I am handing you over to a colleague; please wait a moment.",
        "clarify": "Which of these do you mean?",
        "slot": "Please tell me the {slot}, so that I can go on.",
        "cancelled": "All right, it is cancelled.",
        "invalid": "I am sorry, I could not read that. ",
        "which": "Please tell me what is wrong: {fields}.",
        "angry": "I am very sorry about this. I am handing you over to a colleague; please wait a moment.",
        "long": "Your message is too long. Please put your question in a few sentences.",
    },
}  # fmt: skip

AGENT = re.compile(
    r"转(?:接|到|去)?(?:一下)?(?:人工|真人|客服)|人工(?:客服|服务|坐席|座席|台|热线)|真人客服|^\W*(?:人工|真人|客服)\W*$"
    r"|(?:找|要|叫|和|跟|换|接|联系|有没有|有)(?:一?[个位])?(?:真人|人工|活人)|(?:找|要|叫|联系)(?:一?[个位])?客服"
    r"|(?:找|要|叫|让|请)你?们?的?(?:经理|领导|主管|负责人)"
    r"|\b(?:agent|representative|operator|human|person|manager) please\b"
    r"|\b(?:speak|talk|connect me|chat|transfer me|put me through)\b.{0,20}"
    r"\b(?:human|person|agent|representative|operator|manager|supervisor|someone|somebody|customer service)\b"
    r"|\b(?:real (?:person|human)|live agent|human (?:agent|being|support))\b"
    r"|^\W*(?:(?:an?|the) )?(?:human|agent|representative|operator)\W*$",
    re.IGNORECASE,
)
"""A person is asked for."""

DECLINED = re.compile(
    r"不(?:要|用|需要|想).{0,3}(?:转|人工)|(?:don't|do not|no need).{0,20}(?:human|agent|person)", re.IGNORECASE
)
"""A person is spoken of, and not wanted."""

ANGER = re.compile(
    r"气死|烦死|火大|太?气愤|什么玩意|扯淡|耍我|有病吧|坑人|太差劲|差劲透|滚(?:蛋|开)|他妈的|王八蛋|混蛋|废物|无语了|受够了"
    r"|垃圾(?:银行|公司|客服|服务|软件|系统)|(?:真|太|很|就|都)是?垃圾|^\W*垃圾\W*$"
    r"|你们(?:银行|公司|客服|就|都|全|真|简直|是|这群|一群|些|个)*骗子|骗子(?:银行|公司)|(?:一群|一帮)骗子"
    r"|什么破(?:银行|公司|客服|软件|服务|系统)?|破银行|(?:真|太|够|很)恶心|恶心人|(?<![我她爸妈咱老奶姨姑])妈的|智障(?!人|儿|孩)"
    r"|\b(?:ridiculous|unacceptable|outrageous|disgusting|pathetic|furious|fed up|sick of|you scammers"
    r"|(?:so|very|really) angry|(?:you|this|that)(?: \w+)? (?:is|are) useless|(?:totally|completely|absolutely) useless"
    r"|useless (?:bank|bot|service|company|app)|worst (?:bank|service|company|app)|terrible service|this sucks"
    r"|f+u+c+k\w*|bullshit|idiots?|damn)\b",
    re.IGNORECASE,
)
"""Anger, by its commonest words; 我妈的卡 and 垃圾短信 are none."""

SHOUT = re.compile(r"[!！]{3,}|[?？!！]{5,}")
"""Anger, by its signs."""

COURTESIES = {
    "greeting": r"你好|您好|大家好|哈喽|哈啰|嗨|喂|亲|早上好|上午好|中午好|下午好|晚上好|早安"
    r"|(?:还)?在(?:吗|么|不在)|有人(?:在)?(?:吗|么)"
    r"|hello|hi|hey|greetings|good (?:morning|afternoon|evening)|there|any(?:one|body) there"
    r"|(?:are )?you (?:still )?there",
    "thanks": r"多?谢谢(?:您|你)?|多谢|非?常?感谢(?:您|你)?|谢啦|谢了|辛苦了?"
    r"|thx|thanks?|thank you|thanks a lot|(?:so|very) much|cheers",
    "noted": r"好的?|好吧|行|知道|明白|了解|收到|懂|清楚|没问题|没事|没有|没了|不用|太好|再见|拜拜|晚安|先这样|就这样"
    r"|等一?下|稍等|等等|hold on|(?:one|just a) (?:moment|minute|sec(?:ond)?)|wait"
    r"|ok(?:ay)?|got it|i see|great|perfect|understood|all right|alright|(?:good)?bye|good night"
    r"|that(?:'s| is) all|no|nothing else",
}
"""What only greets, thanks or takes note, by kind; a turn may hold several, and the first kind that it holds counts."""

PARTICLES = r"(?:啊|呀|哦|啦|呢|吧|了|哈|嘛|的|呐|\W)*"

COURTEOUS = re.compile(rf"^\W*(?:(?:{'|'.join(COURTESIES.values())}){PARTICLES})+$", re.IGNORECASE)

LONGEST_COURTESY = 30
"""Characters of a turn that may be nothing but courtesy."""

CANCEL = re.compile(
    r"^(?:那|我|请|先|还是|帮我|麻烦|就|想|要|可以|不好意思|\W)*"
    r"(?:(?:取消|算了|不办|不弄|先不办|停止|退出|不要办|不想办|不查|不用|不需要|不要)(?:了|吧|掉|办理|它|这个|这次|这张表|\W)*)+$"
    r"|^(?:please|i want to|i'd like to|can you|let's|ok|sorry|\W)*"
    r"(?:cancel|never ?mind|forget (?:about )?it|stop|quit|abort|no,? thanks?)"
    r"(?: (?:it|this|that|please|the form|now))*\W*$",
    re.IGNORECASE,
)
"""What was begun is not wanted any more, and nothing else is said."""

PLACES = (
    ("1", "一", "first", "one"), ("2", "二", "second", "two"), ("3", "三", "third", "three"),
    ("4", "四", "fourth", "four"), ("5", "五", "fifth", "five"), ("6", "六", "sixth", "six"),
    ("7", "七", "seventh", "seven"), ("8", "八", "eighth", "eight"), ("9", "九", "ninth", "nine"),
)  # fmt: skip

PLACE = re.compile(
    rf"^(?:我|就|选择?|要|是|应该|想问?|问|the|option|number|no\.|\W)*第?(?P<place>{'|'.join(chain(*PLACES))})"
    r"(?:个|项|条|种|one|option|问题|吧|的|\W)*$",
    re.IGNORECASE,
)
"""One of several is named by its place: 2、第二个、the second one."""

FOLLOW_UP = re.compile(r"^(?:那么?|那如果|换成|如果是|and |what about|how about)|呢[？?]?$", re.IGNORECASE)
"""Begins or ends like a question that leaves out what the former one said."""

LONGEST_FOLLOW_UP = 14
"""Characters (Chinese) or words (English, halved) of a question that leans on the former one."""

OWN_WORD = re.compile(r"[A-Za-z]{2,}")

REPLACED = re.compile(r"\[[A-Z_]+\]")
"""What stands where personal data was replaced: a word of no language."""


def language_of(text: str) -> str:
    """Return `zh` where a text holds any Chinese character, else `en`."""
    return "zh" if HAN.search(text) else "en"


def language_in(text: str, before: str | None, usual: str = "en") -> str:
    """Return the language of a turn.

    Args:
        text: What was said; a number, a sign or a single word such as OK is in the language of the turn before.
        before: That language; None where there was no turn.
        usual: The language where nothing tells.
    """
    words = len(OWN_WORD.findall(REPLACED.sub("", text)))
    if HAN.search(text) or words > 1:
        return language_of(text)
    return before or (language_of(text) if words else usual)


def wants_person(text: str) -> bool:
    """Say whether a customer asks for a person."""
    said = simplified(text)
    return bool(AGENT.search(said)) and not DECLINED.search(said)


def is_angry(text: str) -> bool:
    """Say whether a customer is angry."""
    return bool(ANGER.search(simplified(text)) or SHOUT.search(text)) and courtesy(text) is None


def courtesy(text: str) -> str | None:
    """Return the kind of a turn that only greets, thanks or takes note, of `COURTESIES`; None where it says more."""
    said = simplified(text.strip())
    if len(said) > LONGEST_COURTESY or not COURTEOUS.search(said):
        return None
    return next(kind for kind, words in COURTESIES.items() if re.search(words, said, re.IGNORECASE))


def cancels(text: str) -> bool:
    """Say whether a turn only says that what was begun is not wanted any more."""
    return bool(CANCEL.search(simplified(text)))


def place_named(text: str) -> int | None:
    """Return which one of several a turn names by its place, from 1 on; None where it says something else."""
    found = PLACE.search(simplified(text.strip()))
    if found is None:
        return None
    return next(at for at, names in enumerate(PLACES, 1) if found["place"].lower() in names)


def leans_on_former(text: str) -> bool:
    """Say whether a question leaves out what the former one said, as 那信用卡呢 does."""
    length = len(text) if HAN.search(text) else 2 * len(text.split())
    return length <= LONGEST_FOLLOW_UP and bool(FOLLOW_UP.search(simplified(text.strip())))
