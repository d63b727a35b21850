"""A second look at close candidates: what a model knows decides between them; one that knows nothing moves little."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_service import BY_WORDS, library

from feilun.apps.customer_service.finding.calibration import Calibration, calibrate
from feilun.apps.customer_service.finding.choice import Choice
from feilun.apps.customer_service.finding.evidence import Evidence, Weighed
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.finding.second_look import MOST, SURE, Reranker, close, looked_again
from feilun.core.prediction import Prediction, Ranking


def weighed(*chances):
    return [Weighed(f"e{number}", chance, (chance,)) for number, chance in enumerate(chances)]


def test_only_a_few_close_candidates_are_looked_at_again_and_none_where_the_first_is_sure():
    assert [one.id for one in close(weighed(0.4, 0.3, 0.07, 0.05))] == ["e0", "e1"]
    assert [one.id for one in close(weighed(0.5, 0.02))] == ["e0"]  # "nothing fits" is close to it
    assert len(close(weighed(*[0.1] * 9))) == MOST
    assert not close(weighed(SURE, 0.1))
    assert not close([])


def test_probabilities_still_sum_to_at_most_one_and_the_far_ones_keep_their_order():
    first = weighed(0.4, 0.3, 0.07, 0.05)
    again = looked_again(first, lambda ids: np.array([-3.0, 3.0]), Choice(np.array([1.0, 1.0, 0.0])))
    assert again[0].id == "e1"
    assert again[0].features == (0.3, 3.0)
    assert sum(one.probability for one in again) < 1
    far = {one.id: one.probability for one in again}
    assert far["e2"] / far["e3"] == pytest.approx(0.07 / 0.05)
    same = looked_again(first, lambda ids: np.zeros(len(ids)), Choice(np.array([1.0, 1.0, 0.0])))
    assert [one.probability for one in same] == pytest.approx([one.probability for one in first])


def asked(count, seed, knows):
    """Return made questions of five candidates that the features hardly tell apart, and a model that may know more."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        ids = tuple(f"{number}-{place}" for place in range(5))
        right = ids[number % 5]
        features = random.normal(0, 0.6, (5, 1))
        features[number % 5, 0] += 1
        said = {one: knows * (one == right) + random.normal(0, 1) for one in ids}
        found.append((Evidence(ids, features, lambda own, said=said: np.array([said[one] for one in own])), right))
    return found


def test_a_model_that_knows_more_answers_more_and_its_calibration_holds_on_fresh_questions():
    plain = calibrate([(replace(found, look=None), right) for found, right in asked(300, 1, 4)], 0.9, 0.8)
    helped = calibrate(asked(300, 1, 4), 0.9, 0.8)
    assert helped.first > plain.first + 0.1
    assert helped.answered > plain.answered + 0.1
    fresh = asked(300, 2, 4)
    best = [helped.weighed(found)[0] for found, _ in fresh]
    given = [one.probability >= helped.threshold for one in best]
    assert np.mean(given) == pytest.approx(helped.answered, abs=0.1)
    declined = [helped.weighed(found.without(right))[0].probability < helped.threshold for found, right in fresh]
    assert np.mean(declined) > 0.85
    assert Calibration.from_json(helped.to_json()) == helped


def test_a_model_that_knows_nothing_moves_little():
    plain = calibrate([(replace(found, look=None), right) for found, right in asked(300, 3, 0)], 0.9, 0.8)
    idle = calibrate(asked(300, 3, 0), 0.9, 0.8)
    assert plain.close == ()
    assert abs(idle.close[1]) < 0.2
    assert idle.first == pytest.approx(plain.first, abs=0.05)


class Words:
    """A model of shared words: what it says of two texts follows from them alone."""

    def __init__(self):
        self.asked = []

    def predict(self, corpus):
        pairs = list(zip(corpus.text, corpus.pair, strict=True))
        self.asked += pairs
        shares = [len({*one} & {*other}) / len({*one} | {*other}) for one, other in pairs]
        return [
            Prediction("1", share, Ranking(("0", "1"), np.array([1 - share, share], np.float32)), abstained=False)
            for share in shares
        ]


def test_an_entry_is_read_by_its_way_to_ask_in_simplified_characters_and_each_question_once():
    model = Words()
    made = Library(None, library().entries.values(), (), Reranker(model, "1"))
    found = made.question("年費", None)
    sharp = replace(BY_WORDS, close=(1.0, 1.0, 0.0))
    best = [sharp.weighed(found)[0] for _ in range(3)]
    assert "年费" in made.entries[best[0].id].question
    assert {one for one, _ in model.asked} == {"年费"}
    assert len(model.asked) <= MOST
