"""Intents are learned from the FAQ's categories, beside a baseline, and name what no entry answers."""

import csv
import json
import random
from dataclasses import replace

import pytest
from made_bank import written

from feilun.apps.customer_service.finding.calibration import NEVER
from feilun.apps.customer_service.finding.held_out import Thresholds, held_out
from feilun.apps.customer_service.intents import OUT_OF_SCOPE
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.bundles.bundle import open_bundle, write_bundle
from feilun.bundles.registry import versions
from feilun.core.errors import BundleError, UsageError
from feilun.workflow.applications.customer_service import training
from feilun.workflow.applications.customer_service.file import read_application, read_knowledge
from feilun.workflow.applications.customer_service.intents import (
    Lessons,
    beyond_scope,
    intents_of,
    lessons_of,
)
from feilun.workflow.applications.customer_service.rollback import roll_back
from feilun.workflow.applications.customer_service.version import Version, let_stand, standing
from feilun.workflow.applications.customer_service.wiring import opened
from feilun.workflow.screen import Screen
from tiny import save_tiny_base
from tiny_bundle import made_facts, made_files


class Told(Screen):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(str(text))


def entries(count, ways=3, categories=("cards", "loans")):
    def entry(n):
        variants = tuple(f"way {n} {w}" for w in range(ways))
        return FaqEntry(f"e{n}", f"question {n}", "answer", variants, categories[n % len(categories)])

    return [entry(n) for n in range(count)]


def test_what_is_held_out_judges_and_is_learned_from_nowhere():
    known = entries(24)
    held = held_out(known)
    again = ("so he said", "cards"), (f"{held['e0']}?", "loans")  # the latter stands among what is held out
    lessons = lessons_of(known, again)
    learned = {text for text, _ in lessons.parts["train"]}
    assert len(held) == 24
    assert not learned & set(held.values())
    assert "so he said" in learned
    assert f"{held['e0']}?" not in learned
    judged = lessons.parts["validation"] + lessons.parts["test"]
    assert sorted(judged) == sorted([*((held[one.id], one.category) for one in known), *beyond_scope()[1::2]])
    assert len(lessons.parts["train"]) == 24 * 3 + 1 + 40


def test_without_variants_the_recipe_divides_the_questions():
    lessons = lessons_of(entries(80, ways=0), ())
    assert set(lessons.parts) == {"train"}
    assert len(lessons.parts["train"]) == 80 + 80


@pytest.mark.parametrize(
    "known",
    [
        entries(60, ways=0, categories=("",)),
        entries(80, ways=0, categories=("cards",)),
        entries(20, ways=0),
        [*entries(80, ways=0, categories=("cards",)), *entries(3, ways=0, categories=("loans",))],
        [],
    ],
)
def test_too_little_teaches_nothing(known):
    assert lessons_of(known, ()) is None


def test_a_category_of_few_ways_to_ask_is_none_of_the_intents():
    known = [*entries(24), FaqEntry("f", "a loan for a boat", "answer", ("boats",), "boats")]
    lessons = lessons_of(known, ())
    assert lessons.few == ("boats",)
    assert {intent for rows in lessons.parts.values() for _, intent in rows} == {"cards", "loans", OUT_OF_SCOPE}


CARD, LOAN = ("card", "fee", "fast", "good", "银行"), ("loan", "rate", "slow", "bad", "贷款")


@pytest.fixture
def trainable(tmp_path):
    """An application whose two categories have no word in common, and a tiny base."""
    save_tiny_base(tmp_path / "base")
    source = random.Random(3)
    rows = []
    for number in range(24):
        words, category = ((CARD, "cards"), (LOAN, "loans"))[number % 2]
        ways = [" ".join(source.sample(words, 4)) for _ in range(5)]
        rows.append((f"{' '.join(ways[0].split()[:3])} {number}", f"answer {number}", "|".join(ways[1:]), category))
    path = written(tmp_path)
    text = path.read_text(encoding="utf-8").partition("[release]")[0]
    path.write_text(f'{text}[model]\nbase = "{tmp_path / "base"}"\nepochs = 1\n', encoding="utf-8")
    with (tmp_path / "faq.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("question", "answer", "variants", "category"), *rows])
    return path


@pytest.mark.usefixtures("undrawn")
def test_train_makes_a_classifier_that_names_what_no_entry_answers_and_goes_back_with_its_release(trainable, database):
    settings, screen = read_application(trainable), Told()
    training.train(settings, database, screen=screen)
    stood = standing("bank")
    bundle = open_bundle(stood.intents)
    assert bundle.labels.names == (OUT_OF_SCOPE, "cards", "loans")
    assert bundle.report.value("in_scope_accuracy") > 0.9
    assert bundle.report.baselines  # what words alone tell stands beside it
    (told,) = [line for line in screen.lines if line.startswith("Intents: 2 categories")]
    assert "by words alone" in told
    with opened(settings) as desk:
        never = Thresholds(*(replace(rung, threshold=NEVER) for rung in vars(stood.thresholds).values()))
        reply, _ = desk.ladder.recalibrated(never).answer("贷款 slow bad loan rate", {})
        nothing = desk.say("转人工").reply
    assert (reply.action != "answer", reply.intent) == (True, "loans")
    assert reply.intent_confidence > 0.5
    assert reply.trace[-1]["rung"] == "intent"
    assert (nothing.intent, nothing.intent_confidence) == (None, 0.0)
    training.train(settings, database, screen=screen)
    assert versions("bank-intents") == [1]  # it learned from just the same
    let_stand("bank", Version(stood.bundle, stood.thresholds, stood.learned_from))
    roll_back(settings, database, 1)
    assert standing("bank").intents == stood.intents


def test_rows_that_teach_nothing_hold_up_no_release(trainable, monkeypatch):
    settings, screen = read_application(trainable), Told()
    known = [FaqEntry(f"e{n}", "the very same", "answer", (), f"c{n % 2}") for n in range(80)]
    rows = {"train": [(one.question, one.category) for one in known]}
    monkeypatch.setattr(training, "lessons_of", lambda *_: Lessons(rows, ()))
    assert training.intents_trained(settings, known, (), screen) == ("", "")
    assert screen.lines[-1].startswith("No intents are learned: ")


def test_what_tells_intents_is_a_classify_bundle(tmp_path):
    assert intents_of("") is None
    with pytest.raises(BundleError, match="none"):
        intents_of("none")
    write_bundle(tmp_path / "other", made_files(), made_facts(task="match"))
    with pytest.raises(UsageError, match="tells no intents: its task is 'match'"):
        intents_of(str(tmp_path / "other"))


def test_a_version_of_before_has_no_intents(file):
    value = standing("bank").to_json()
    assert Version.from_json({k: v for k, v in value.items() if not k.startswith("intents")}).intents == ""


def test_labelled_conversations_are_read_with_their_intents(trainable):
    turns = [{"speaker": "customer", "text": "card gone", "intent": "cards"}, {"speaker": "agent", "text": "Oh."}]
    (trainable.parent / "past.jsonl").write_text(json.dumps({"turns": turns}), encoding="utf-8")
    text = trainable.read_text(encoding="utf-8").replace('["faq.csv"]', '["faq.csv"]\nconversations = ["past.jsonl"]')
    trainable.write_text(text, encoding="utf-8")
    knowledge = read_knowledge(read_application(trainable))
    assert knowledge.labelled == (("card gone", "cards"),)
    assert next(iter(reversed(knowledge.reports.values()))).labelled == 1


def test_intents_are_left_out_where_the_application_says_so(trainable):
    text = trainable.read_text(encoding="utf-8").replace("[model]\n", "[model]\nintents = false\n")
    trainable.write_text(text, encoding="utf-8")
    assert training.intents_trained(read_application(trainable), entries(24), (), Told()) == ("", "")
