"""The choice among candidates and nothing: its probabilities, its weights, and the thresholds that follow."""

from dataclasses import replace

import numpy as np
import pytest

from feilun.apps.customer_service.finding.calibration import NEVER, Calibration, calibrate
from feilun.apps.customer_service.finding.choice import NOTHING, Choice, fit_choice
from feilun.apps.customer_service.finding.evidence import Evidence
from feilun.apps.customer_service.finding.held_out import held_out, without_held_out
from feilun.workflow.applications.customer_service.demo import demo_settings
from feilun.workflow.applications.customer_service.file import read_knowledge
from feilun.workflow.applications.customer_service.training import pairs_of


def asked(count, seed, noise=0.3):
    """Return made questions of five candidates: the right one is nearer by its first feature, the second is noise."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        features = random.normal(0, noise, (5, 2))
        features[number % 5, 0] += 1
        ids = tuple(f"{number}-{place}" for place in range(5))
        found.append((Evidence(ids, features), ids[number % 5]))
    return found


def test_probabilities_leave_room_for_nothing_and_equal_candidates_share():
    choice = Choice(np.array([4.0, 0.0]))
    one = choice.probabilities(np.array([[1.0]]))
    two = choice.probabilities(np.array([[1.0], [1.0]]))
    assert 0 < one[0] < 1
    assert two[0] == two[1] < one[0]
    assert two.sum() > one[0]
    assert Choice(np.array([1000.0, 0.0])).probabilities(np.array([[5.0], [-5.0]])) == pytest.approx([1.0, 0.0])


def test_the_weights_are_the_best_of_the_penalised_likelihood():
    cases = [(e.features, e.ids.index(right)) for e, right in asked(200, 1)]
    cases += [(np.delete(f, place, axis=0), NOTHING) for f, place in cases]
    weights = fit_choice(cases).weights
    assert weights[0] > 5 * abs(weights[1])

    def loss(own):
        total = 0.0
        for features, place in cases:
            chances = Choice(own).probabilities(features)
            total -= np.log(1 - chances.sum() if place == NOTHING else chances[place])
        return total

    for step in (np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0])):
        assert loss(weights) < loss(weights + step)
        assert loss(weights) < loss(weights - step)


def test_the_threshold_meets_what_is_declined_and_what_is_right():
    made = calibrate(asked(200, 2), 0.9, 0.8)
    assert made.declined >= 0.9
    assert made.precision >= 0.8
    assert made.answered > 0.5
    assert made.questions == 400
    fresh = asked(400, 3)
    judged = [made.weighed(evidence)[0] for evidence, _ in fresh]
    given = [one.probability >= made.threshold for one in judged]
    right = [one.id == wanted for one, (_, wanted) in zip(judged, fresh, strict=True)]
    assert np.mean(given) == pytest.approx(made.answered, abs=0.1)
    assert np.mean(right) == pytest.approx(made.first, abs=0.1)
    declined = [made.weighed(evidence.without(wanted))[0].probability < made.threshold for evidence, wanted in fresh]
    assert np.mean(declined) > 0.85


def test_where_nothing_tells_them_apart_nothing_is_answered():
    random = np.random.default_rng(4)
    made = calibrate(
        [(Evidence(("a", "b", "c"), random.normal(size=(3, 2))), "abc"[n % 3]) for n in range(90)], 0.95, 0.95
    )
    assert made.answered < 0.1
    assert made.threshold <= NEVER


def test_a_question_for_which_nothing_is_found_counts_and_breaks_nothing():
    made = calibrate([*asked(100, 5), *[(None, "x")] * 20], 0.9, 0.8)
    assert made.questions == 240
    assert made.first < 0.95
    assert Calibration.from_json(made.to_json()) == made


def test_no_pair_that_is_learned_from_holds_a_held_out_variant_and_others_change_nothing_in_it():
    entries = read_knowledge(demo_settings()).entries
    held = held_out(entries)
    assert held_out(entries[::-1][:50]).items() <= held.items()
    pairs = pairs_of(entries, [("在吗", "在的")])
    assert not {text for one, other, _ in pairs for text in (one, other)} & set(held.values())
    assert len({(one, other) for one, other, _ in pairs}) == len(pairs)
    assert {name for one, other, name in pairs if other == entries[0].answer} == {entries[0].id}


def test_what_is_learned_since_never_holds_a_held_out_variant_in_whatever_spelling_and_moves_none():
    entries = read_knowledge(demo_settings()).entries
    held = held_out(entries)
    text = next(text for text in held.values() if "银行" in text)
    spelt = text.replace("银行", "銀行") + " ！"
    taught = [replace(entry, learned=(spelt, f"另一种问法 {entry.id}")) for entry in entries]
    assert held_out(taught) == held
    pairs = pairs_of(taught, [(spelt, "答复一"), ("能代收快递吗", "不能代收")])
    texts = {text for one, other, _ in pairs for text in (one, other)}
    assert spelt not in texts
    assert {"能代收快递吗", f"另一种问法 {entries[0].id}"} <= texts
    assert spelt not in {way for entry in without_held_out(taught, held) for way in entry.texts}
