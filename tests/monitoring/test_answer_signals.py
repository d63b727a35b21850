"""What is watched of a task's answers: one candidate a query, and every one of several tasks."""

from __future__ import annotations

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


def test_several_tasks_have_each_their_signals() -> None:
    answer = {
        "label": "", "score": 0.5,
        "tasks": {"mood": {"label": "dark", "score": 0.5}, "price": {"label": "3", "score": 0.9, "value": 3.0}},
    }  # fmt: skip
    found = watched(Corpus(["0", "1"], ["a", "b"]), [answer, answer])
    assert set(found.signals) == {"mood.labels", "mood.scores", "price.value"}
    assert found.shares() == {"mood.dark": 1.0}
    assert found.quantiles(0.5) == {"price.value": [3.0]}
