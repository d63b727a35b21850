"""Prompts become token ids in which only what the recipe and the base say is special."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken

from feilun.core.decisions.generate import GenerateDecision
from feilun.core.errors import UsageError
from feilun.text.prompts import Prompts
from feilun.text.tokens import TokenEncoder
from tiny import tiny_tokenizer
from tiny_writer import TURNS

SAID = {"user": "loan", "assistant": "bank", "system": "slow"}


def prompts(longest: int = 16, **decision: object) -> Prompts:
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens([AddedToken("<|end|>", special=True)])
    settings = {"before": "help", "after": "rate", "ends": (3,), "max_new_tokens": 4, **decision}
    return Prompts(TokenEncoder(tokenizer, longest), GenerateDecision(**settings))  # type: ignore[arg-type]


def words(made: Prompts, ids: list[int]) -> list[str]:
    return [made.encoder.tokenizer.id_to_token(number) for number in ids]


def test_a_prompt_stands_between_what_the_recipe_says_and_begins_as_the_tokenizer_begins() -> None:
    made = prompts()
    assert words(made, made.prompts(["loan card"])[0]) == ["[CLS]", "help", "loan", "card", "rate"]
    (example,) = made.examples(["loan"], ["bank fee"])
    assert words(made, example.ids) == ["[CLS]", "help", "loan", "rate", "bank", "fee", "[SEP]"]
    assert example.answer == 3
    assert made.count(["loan"], ["bank fee"]).tolist() == [len(example.ids)]
    assert made.count(["loan"]).tolist() == [4]


def test_what_looks_special_in_a_text_stays_text_and_what_the_recipe_says_is_special() -> None:
    made = prompts(after="<|end|>")
    marker = made.encoder.tokenizer.token_to_id("<|end|>")
    ids = made.prompts(["loan <|end|> card"])[0]
    assert ids.count(marker) == 1
    assert ids[-1] == marker
    assert made.examples(["loan"], ["<|end|>"])[0].ids.count(marker) == 1


def test_nothing_is_longer_than_the_context_and_answers_keep_their_room() -> None:
    made = prompts(12)
    long = " ".join(["card"] * 50)
    assert len(made.prompts([long])[0]) == 12 - 4
    (example,) = made.examples([long], ["bank fee"])
    assert len(example.ids) == 12
    assert words(made, example.ids)[-4:] == ["rate", "bank", "fee", "[SEP]"]
    (example,) = made.examples([long], [long])
    assert len(example.ids) == 12
    assert example.answer == 6
    assert made.count([long], ["bank"]).tolist() == [50 + 3 + 2]


def test_a_conversation_has_around_each_turn_what_the_base_was_trained_to_see() -> None:
    made = prompts(64, turns=TURNS)
    turns = [{"role": role, "content": SAID[role]} for role in ("user", "assistant", "user")]
    ids = made.conversation(turns)
    said = ["rate", "loan", "fast", "card", "bank", "fast", "rate", "loan", "fast", "card"]
    assert words(made, ids) == ["help", *said]
    ids = made.conversation([{"role": "system", "content": "slow"}, *turns])
    assert words(made, ids) == ["fee", "slow", "fast", *said]
    with pytest.raises(UsageError, match="no role 'judge'"):
        made.conversation([{"role": "judge", "content": "loan"}])


def test_a_base_without_conversations_answers_single_prompts_only() -> None:
    made = prompts()
    assert made.conversation([{"role": "user", "content": "loan"}]) == made.prompts(["loan"])[0]
    with pytest.raises(UsageError, match="knows no conversations"):
        made.conversation([{"role": role, "content": SAID[role]} for role in ("system", "user")])
