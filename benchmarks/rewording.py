"""English questions put otherwise, by rule: the same for everyone who runs it, and no model that knows the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

FRAMES = (
    (r"^(?:how (?:do|can|should) i|what is the (?:procedure|process) (?:to|for)) (.+)$", r"steps to \1"),
    (r"^how (?:do|does|will|can) (.+)$", r"please explain in which way \1"),
    (r"^(?:can|may|could) i (.+)$", r"is it possible for me to \1"),
    (r"^(?:can|will|would) (.+)$", r"I wonder whether \1"),
    (r"^(?:what (?:is|are)) (?:the )?(.+)$", r"tell me about \1"),
    (r"^what (?:happens|if) (.+)$", r"and in case \1"),
    (r"^(?:is|are) there (?:an?y?|some)? ?(.+)$", r"do you have \1"),
    (r"^(?:do|does|should|must) i (?:need|have) to (.+)$", r"am I obliged to \1"),
    (r"^(?:how (?:long|much time)) (.+)$", r"the duration: \1"),
    (r"^(?:how much|how many) (.+)$", r"which amount \1"),
    (r"^(?:who|whom) (.+)$", r"which person \1"),
    (r"^(?:where) (.+)$", r"in which place \1"),
    (r"^(?:when) (.+)$", r"at what time \1"),
)
"""Beginnings of questions, and what stands in their place."""

SYNONYMS: Mapping[str, str] = {
    "obtain": "get", "avail": "make use", "get": "receive", "change": "modify", "update": "bring up to date",
    "apply": "put in a request", "close": "shut", "open": "set up", "pay": "settle", "payment": "settlement",
    "charges": "fees", "fees": "costs", "charge": "fee", "documents": "papers", "required": "needed", "need": "require",
    "benefits": "advantages", "benefit": "advantage", "eligible": "entitled", "eligibility": "who may have it",
    "minimum": "lowest", "maximum": "highest", "amount": "sum", "duration": "length", "policy": "insurance contract",
    "premium": "insurance fee", "claim": "demand for payment", "customer": "client", "customers": "clients",
    "purchase": "buy", "buy": "acquire", "transfer": "send", "money": "funds", "cheque": "check",
    "beneficiary": "recipient", "limit": "ceiling", "limits": "ceilings", "difference": "distinction",
    "different": "unlike", "cancel": "call off", "lost": "gone missing", "damaged": "broken", "replace": "exchange",
    "check": "look up", "know": "find out", "use": "make use of", "contact": "reach", "submit": "hand in",
    "available": "on offer", "options": "choices", "option": "choice", "procedure": "steps", "process": "way",
    "register": "sign up", "receive": "get", "repay": "pay back", "repayment": "paying back", "interest": "yield",
}  # fmt: skip
"""Words that mean nearly the same; those of a product's name are not among them."""

LEFT_OUT = """
a an the is are was be been do does did can could may will would should must i my me we you your it its this that these
those of to for in on at by with from and or if what which who whom where when how there any have has had not as under
case so please
"""
EMPTY = frozenset(LEFT_OUT.split())
"""Words that a customer who types keywords leaves out."""

Rule = Callable[[str], str | None]
"""Puts a question otherwise; None where the rule changes nothing in it."""


def framed(question: str) -> str | None:
    """Put another frame around what is asked."""
    text = _bare(question)
    for pattern, other in FRAMES:
        if re.match(pattern, text, re.IGNORECASE):
            return re.sub(pattern, other, text, flags=re.IGNORECASE)
    return None


def exchanged(question: str) -> str | None:
    """Exchange two words or more for synonyms, and the frame where one fits."""
    words = re.findall(r"\w+|\W+", _bare(question))
    found = [word for word in words if word.lower() in SYNONYMS]
    if len(found) < 2:
        return None
    other = "".join(SYNONYMS.get(word.lower(), word) for word in words)
    return framed(other) or other


def keywords(question: str) -> str | None:
    """Keep only the words that bear meaning, the last first, as one who searches types them."""
    words = re.findall(r"[\w/&'-]+", _bare(question))
    kept = [word for word in words if word.lower() not in EMPTY]
    return " ".join(reversed(kept)) if 2 <= len(kept) < len(words) else None


REWORDINGS: Mapping[str, Rule] = {
    "another frame": framed, "synonyms and frame": exchanged, "keywords, reversed": keywords,
}  # fmt: skip


def _bare(question: str) -> str:
    return question.strip().rstrip("?").strip()
