"""What is watched of a task's answers: one candidate a query, and every one of several tasks."""

from __future__ import annotations

import math

from feilun.core.corpus import Corpus
from feilun.monitoring.answer_signals import watched
from feilun.monitoring.signals import Numbers


def test_of_each_query_the_first_candidate_is_watched() -> None:
    rows = Corpus([str(i) for i in range(5)], ["a", "a", "b", "a", "b"], ["x", "y", "x", "x", "z"])
    scores = (0.2, 0.9, -1.0, 0.2, -2.0)
    answers = [{"label": "relevant" if one > 0 else "not relevant", "score": 0.8, "relevance": one} for one in scores]
    found = watched(rows, answers)
    assert found.rows.tolist() == [1, 2]
    assert found.shares() == {"relevant": 0.5, "not relevant": 0.5}
    counts = found.signals["candidates"]
    assert isinstance(counts, Numbers)
    assert counts.values.tolist() == [2.0, 2.0]  # asked again, a candidate is still one


def test_written_answers_to_single_prompts_are_watched_by_length_ending_and_likelihood() -> None:
    def written(text: str, tokens: int, finish: str, **asked: object) -> dict[str, object]:
        return {"label": text, "score": 0.5, "text": text, "tokens": tokens, "finish_reason": finish, **asked}

    answers = [
        written("利率 很好", 3, "stop"), written("rate", 9, "length"), written("x", 1, "stop", turns=3),
        written("x", 1, "stop", overridden=True), written("fee", 2, "stop"),
    ]  # fmt: skip
    found = watched(Corpus([str(i) for i in range(5)], ["a"] * 5), answers)
    assert found.rows.tolist() == [0, 1, 4]
    assert set(found.signals) == {"answer_tokens", "finish_reasons", "log_likelihood", "answer_scripts"}
    assert found.shares() == {"stop": 2 / 3, "length": 1 / 3}
    assert found.quantiles(0.5) == {"answer_tokens": [3.0]}
    assert found.signals["answer_scripts"].to_json()["names"] == ["han", "latin"]
    likelihoods = found.signals["log_likelihood"]
    assert isinstance(likelihoods, Numbers)
    assert likelihoods.values.tolist() == [round(math.log(0.5), 4)] * 3
    none = watched(Corpus(["0"], ["a"]), [written("x", 1, "stop", turns=2)])
    assert (none.rows.tolist(), none.shares(), none.quantiles(0.5)) == ([], {}, {})


def test_several_tasks_have_each_their_signals() -> None:
    answer = {
        "label": "", "score": 0.5,
        "tasks": {"mood": {"label": "dark", "score": 0.5}, "price": {"label": "3", "score": 0.9, "value": 3.0}},
    }  # fmt: skip
    found = watched(Corpus(["0", "1"], ["a", "b"]), [answer, answer])
    assert set(found.signals) == {"mood.labels", "mood.scores", "price.value"}
    assert found.shares() == {"mood.dark": 1.0}
    assert found.quantiles(0.5) == {"price.value": [3.0]}
