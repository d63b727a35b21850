"""Prompts and answers as token ids: the same code before training and in the service.

What a recipe or a base says around a prompt may hold special tokens. A prompt itself may not: text that looks like one,
such as `<|im_end|>`, stays text, so that no prompt can pretend to be another turn of the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from feilun.core.decisions.generate import GenerateDecision, Turns
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.text.tokens import TokenEncoder


@dataclass(frozen=True)
class Example:
    """A prompt with its answer behind it.

    Args:
        ids: Token ids of both.
        answer: How many of them, at the end, are the answer's.
    """

    ids: list[int]
    answer: int


@dataclass(frozen=True)
class Prompts:
    """Turns prompts, and prompts with answers, into token ids.

    Args:
        encoder: Tokenizer and length of the context.
        decision: What stands around a prompt, and what ends an answer.
    """

    encoder: TokenEncoder
    decision: GenerateDecision

    @property
    def context(self) -> int:
        """Return the most tokens of a prompt and its answer together."""
        return self.encoder.max_tokens

    @property
    def frame(self) -> int:
        """Return how many tokens stand around every prompt."""
        return len(self.beginning()) + len(self._special([self.decision.after])[0])

    def prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of prompts, each cut so that the longest answer has room behind it."""
        return self._around(self._plain(texts), [self.decision.max_new_tokens] * len(texts))

    def examples(self, texts: Sequence[str], answers: Sequence[str]) -> list[Example]:
        """Return prompts with their answers; of those longer than the context the prompt is cut, then the answer."""
        ends = list(self.decision.ends[:1])
        known = [(ids + ends)[: self.context // 2] for ids in self._plain(answers)]
        rows = self._around(self._plain(texts), [len(ids) for ids in known])
        return [Example(row + ids, len(ids)) for row, ids in zip(rows, known, strict=True)]

    def count(self, texts: Sequence[str], answers: Sequence[str] | None = None) -> NDArray[np.int64]:
        """Return the number of tokens of each prompt, with its answer where there is one, before cutting."""
        counts = np.array([len(ids) + self.frame for ids in self._plain(texts)], dtype=np.int64)
        if answers is None:
            return counts
        ending = len(self.decision.ends[:1])
        return counts + np.array([len(ids) + ending for ids in self._plain(answers)], dtype=np.int64)

    def beginning(self) -> list[int]:
        """Return the ids that every prompt begins with."""
        return self._start() + self._special([self.decision.before])[0]

    def conversation(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the ids of a conversation that an answer is wanted to.

        Args:
            messages: Turns with `role` (system, user or assistant) and `content`; a system turn stands first.

        Raises:
            UsageError: If the model knows no conversations and there is more than one turn of the user.
        """
        turns = self.decision.turns
        if turns is None:
            return self._of_one_turn(messages)
        ids = self._start()
        if messages[0]["role"] != "system":
            ids += self._special([turns.unsaid])[0]
        for message in messages:
            before, after = self._special(_around(turns, message["role"]))
            ids += before + self._plain([message["content"]])[0] + after
        return ids + self._special([turns.answer])[0]

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text that token ids stand for, special tokens left out."""
        return str(self.encoder.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _of_one_turn(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        if [message["role"] for message in messages] != ["user"]:
            raise UsageError(
                Remark(
                    "This model was trained on single prompts and knows no conversations.",
                    "该模型是用单条提示训练的，不支持多轮对话。",
                ),
                Remark("Send one message with the role user.", "请只发送一条 role 为 user 的消息。"),
            )
        before, after = self._special([self.decision.before, self.decision.after])
        return self._start() + before + self._plain([messages[0]["content"]])[0] + after

    def _around(self, rows: Sequence[list[int]], rooms: Sequence[int]) -> list[list[int]]:
        """Put what stands around prompts before and behind them, and cut them so that `rooms` tokens stay free."""
        before, (after,) = self.beginning(), self._special([self.decision.after])
        most = self.context - len(before) - len(after)
        return [before + ids[: max(0, most - room)] + after for ids, room in zip(rows, rooms, strict=True)]

    def _start(self) -> list[int]:
        """Return what the tokenizer puts before every text; a conversation's own start says it itself."""
        if self.decision.turns is not None:
            return []
        encoding = self._tokenizer().encode("a")
        marked = encoding.special_tokens_mask
        return encoding.ids[: marked.index(0)] if 0 in marked else []

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts in which nothing is a special token."""
        tokenizer = self._tokenizer()
        tokenizer.encode_special_tokens = True
        try:
            return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
        finally:
            tokenizer.encode_special_tokens = False

    def _special(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts in which special tokens are such."""
        rows = self._tokenizer().encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in rows]

    def _tokenizer(self) -> Tokenizer:
        self.encoder.tokenizer.no_padding()
        self.encoder.tokenizer.no_truncation()
        return self.encoder.tokenizer


def _around(turns: Turns, role: str) -> tuple[str, str]:
    known = {"system": turns.system, "user": turns.user, "assistant": turns.assistant}
    if role not in known:
        raise UsageError(
            Remark(f"There is no role {role!r} in a conversation.", f"对话中没有角色 {role!r}。"),
            Remark(f"Valid: {', '.join(known)}.", f"可用：{'、'.join(known)}。"),
        )
    return known[role]
