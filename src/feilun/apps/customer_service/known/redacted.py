"""What is kept of what a business writes: personal data replaced, but for numbers and addresses that it publishes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from feilun.monitoring.redaction import kept

Keep = Callable[[str], str]
"""Returns a text as it is stored."""

FIRST = 0xF0000
"""Characters for private use, from here on, that stand for what is published while the rest is replaced."""


def kept_but(public: Collection[str]) -> Keep:
    """Return what keeps a text, some phone numbers and addresses in it just as they are; longer ones are none of these.

    Args:
        public: They.
    """
    names = sorted({one.strip() for one in public}, key=len, reverse=True)
    if not names:
        return kept
    anywhere = re.compile(rf"(?<![\w@.+-])(?:{'|'.join(map(re.escape, names))})(?![\w@-]|\.\w)", re.ASCII)
    signs = {name: chr(FIRST + number) for number, name in enumerate(names)}
    back = {sign: name for name, sign in signs.items()}
    any_sign = re.compile(f"[{''.join(back)}]")

    def keep(text: str) -> str:
        own = any_sign.sub("", text)  # what a file holds of these characters stands for nothing
        return any_sign.sub(lambda sign: back[sign[0]], kept(anywhere.sub(lambda name: signs[name[0]], own)))

    return keep
