"""Answers end where they are to end, whatever engine gives the logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from feilun.core.decisions.generate import GenerateDecision
from feilun.text.decoding import Written, choose, settled, write

LETTERS = "abcdefgh"
END = len(LETTERS)


class Alphabet:
    """A language model whose next token is the next letter, and that ends after the last."""

    def start(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        return self.go_on([prompt[-1] for prompt in prompts])

    def go_on(self, tokens: Sequence[int]) -> np.ndarray:
        logits = np.zeros((len(tokens), END + 1), dtype=np.float32)
        for row, token in enumerate(tokens):
            logits[row, min(token + 1, END)] = 5
        return logits


def said(prompts: list[list[int]], context: int = 99, **settings: object) -> list[Written]:
    decision = GenerateDecision(**{"ends": (END,), **settings})  # type: ignore[arg-type]
    text_of = lambda ids: "".join(LETTERS[i] for i in ids)  # noqa: E731
    *_, last = write(Alphabet(), prompts, decision, context, text_of)
    return last


def test_an_answer_ends_at_its_end_at_a_stop_text_at_its_length_and_at_the_context() -> None:
    (answer,) = said([[2]])
    assert (answer.text, answer.finish, answer.steps) == ("defgh", "stop", 6)
    (answer,) = said([[2]], stop=("fg", "zz"))
    assert (answer.text, answer.finish) == ("de", "stop")
    (answer,) = said([[2]], max_new_tokens=2)
    assert (answer.text, answer.finish) == ("de", "length")
    (answer,) = said([[0, 0, 2]], context=5)
    assert (answer.text, answer.finish) == ("de", "length")


def test_rows_that_end_early_do_not_change_while_the_others_go_on() -> None:
    together = said([[5], [0], [6]])
    assert [answer.text for answer in together] == ["gh", "bcdefgh", "h"]
    assert together[0] == said([[5]])[0]


def test_the_likelihood_is_the_models_own() -> None:
    logits = np.array([1.0, 3.0, 2.0], dtype=np.float32)
    token, likelihood = choose(logits, GenerateDecision(), np.random.default_rng(0))
    assert token == 1
    assert likelihood == pytest.approx(np.log(np.exp(3) / np.exp(logits).sum()))
    (answer,) = said([[6]])
    assert answer.mean_likelihood == pytest.approx(np.log(np.exp(5) / (np.exp(5) + END)))


def test_draws_keep_to_the_nucleus_and_follow_the_shares() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))
    random = np.random.default_rng(1)
    narrow = [choose(logits, GenerateDecision(temperature=1.0, top_p=0.7), random)[0] for _ in range(2000)]
    assert set(narrow) == {0, 1}
    assert np.mean(np.array(narrow) == 0) == pytest.approx(0.5 / 0.8, abs=0.04)
    wide = [choose(logits, GenerateDecision(temperature=1.0), random)[0] for _ in range(4000)]
    assert np.allclose(np.bincount(wide) / 4000, [0.5, 0.3, 0.15, 0.05], atol=0.03)
    sharp = [choose(logits, GenerateDecision(temperature=0.1), random)[0] for _ in range(500)]
    assert np.mean(np.array(sharp) == 0) > 0.97


def test_drawn_answers_depend_on_prompt_and_seed_alone() -> None:
    settings = {"temperature": 3.0, "max_new_tokens": 7}
    alone = said([[0]], **settings)[0].text
    assert said([[3], [0]], **settings)[1].text == alone
    others = {said([[0]], seed=seed, **settings)[0].text for seed in range(8)}
    assert len(others) > 1


def test_what_is_shown_early_holds_no_half_character_and_no_beginning_of_a_stop_text() -> None:
    assert settled(Written(text="很\ufffd"), ()) == "很"
    assert settled(Written(text="one##"), ("###",)) == "one"
    assert settled(Written(text="one##", finish="length"), ("###",)) == "one##"
    assert settled(Written(text="one"), ("###", "e!")) == "on"
