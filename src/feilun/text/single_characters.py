"""A tokenizer that never joins Chinese characters or punctuation, so that every span begins and ends with a token."""

from __future__ import annotations

from tokenizers import Regex, Tokenizer
from tokenizers.pre_tokenizers import Sequence, Split

ALONE = r"[\p{Han}\p{P}]"


def reading_characters(tokenizer: Tokenizer) -> Tokenizer:
    """Return a copy of a tokenizer that gives each Chinese character and each punctuation mark a token of its own.

    Args:
        tokenizer: It is left as it was.
    """
    copy = Tokenizer.from_str(tokenizer.to_str())
    alone = Split(Regex(ALONE), "isolated")
    own = copy.pre_tokenizer
    if own is None:
        copy.pre_tokenizer = alone
    elif "ByteLevel" in str(own):  # behind it there are bytes, in which no character can be told
        copy.pre_tokenizer = Sequence([alone, own])
    else:
        copy.pre_tokenizer = Sequence([own, alone])
    return copy
