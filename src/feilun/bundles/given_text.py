"""A text as it was given, cleaned as in training."""

from __future__ import annotations

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.text.clean import Cleaning


def clean(cleaning: Cleaning, text: str, row: int) -> str:
    """Clean a text.

    Args:
        cleaning: What was applied in training.
        text: The text.
        row: Its row, for the message.

    Raises:
        UsageError: If it is no text.
    """
    if not isinstance(text, str):
        raise UsageError(
            Remark(f"Text {row} is {text!r}, not text.", f"文本 {row} 是 {text!r}，不是文字。"),
            Remark("Give strings; an absent text is an empty one.", "请给出字符串；没有文本时用空字符串。"),
        )
    return cleaning.apply(text)
