"""A release that makes conversations fail is refused, with the list of them; what stood goes on to."""

import csv
import json
import random
from contextlib import closing
from dataclasses import replace

import pytest
from made_bank import LOST, written
from made_service import BY_WORDS

from feilun.bundles.bundle import write_bundle
from feilun.bundles.registry import versions
from feilun.core.errors import BundleError, DataError, GateNotMet, UsageError
from feilun.core.files import write_json
from feilun.interfaces.cli import main
from feilun.storage import audit
from feilun.storage.database import open_database
from feilun.workflow.applications.customer_service.file import read_application, read_knowledge
from feilun.workflow.applications.customer_service.knowledge import known_to, rows_of
from feilun.workflow.applications.customer_service.release import Proposal, release
from feilun.workflow.applications.customer_service.rollback import roll_back
from feilun.workflow.applications.customer_service.suite import read_suite
from feilun.workflow.applications.customer_service.version import Version, folder_of, let_stand, reranker_of, standing
from feilun.workflow.applications.customer_service.wiring import held_to_suite, import_knowledge, opened
from tiny import WORDS, save_tiny_base
from tiny_bundle import made_bundle, made_facts, made_files, made_model

pytestmark = pytest.mark.usefixtures("brisk")


def test_knowledge_by_which_a_conversation_falls_is_refused_and_changes_nothing(file, database, tmp_path):
    said = []
    import_knowledge(read_application(file), database, say=said.append)
    assert said[0] == "Suite: 2 of 3 conversations as expected."
    assert "did not pass before" in said[1]
    assert "parcels" in said[1]
    before = known_to("bank", database)
    settings = read_application(written(tmp_path, LOST))
    with pytest.raises(GateNotMet) as raised:
        import_knowledge(settings, database)
    assert "fee 1 ('信用卡年费是多少？'): action is" in str(raised.value)
    assert "parcels" not in str(raised.value)  # it failed before
    assert "--force REASON" in str(raised.value)
    assert known_to("bank", database) == before
    with opened(settings) as desk:
        assert desk.say("信用卡年费是多少？").reply.text == "普卡免年费。"


def test_a_forced_release_is_in_the_audit_log_with_its_reason_and_without_any_text(file, database, tmp_path):
    import_knowledge(read_application(file), database)
    import_knowledge(read_application(written(tmp_path, LOST)), database, force="the fee is gone")
    assert [entry.question for entry in known_to("bank", database).entries] == [LOST[0]]
    with database.read() as connection:
        noted = audit.last(connection, "release application", application="bank")
        assert "年费" not in "".join(entry.details for entry in audit.entries(connection))
    assert noted == {
        "application": "bank", "bundle": "bank-questions@1", "conversations": 3, "failed": 2, "fell": 1,
        "forced": "the fee is gone",
    }  # fmt: skip


def test_before_anything_stands_nothing_can_fall(tmp_path, database):
    import_knowledge(read_application(written(tmp_path, LOST)), database)
    assert len(known_to("bank", database).entries) == 1


def test_what_stands_and_cannot_be_opened_holds_up_no_release(file, database, tmp_path):
    stood, said = standing("bank"), []
    let_stand("bank", Version("bank-questions@7", stood.thresholds))
    settings = read_application(written(tmp_path, LOST))
    with pytest.raises(BundleError, match="no version '7'"):
        import_knowledge(settings, database)
    release(settings, database, Proposal(stood, rows_of(read_knowledge(settings))), say=said.append)
    assert "What stands cannot be opened" in said[1]
    assert standing("bank") == stood


@pytest.mark.parametrize("damage", ["half", "older", "list"])
def test_a_damaged_or_older_version_is_named_and_going_back_mends_it(file, database, damage):
    settings = read_application(file)
    import_knowledge(settings, database)
    path = folder_of("bank") / "customer_service.json"
    text = path.read_text(encoding="utf-8")
    stood = json.loads(text)
    stood["thresholds"]["curated"] = replace(BY_WORDS, weights=(1.0, 0.5)).to_json()
    path.write_text({"half": text[:40], "older": json.dumps(stood), "list": "[]"}[damage], encoding="utf-8")
    with pytest.raises(UsageError, match=r"customer_service.json names no version .* rollback"), opened(settings):
        pass
    roll_back(settings, database, 1)
    with opened(settings) as desk:
        assert desk.say("信用卡年费是多少？").reply.text == "普卡免年费。"


def test_a_suite_leaves_neither_conversations_nor_candidates(file, database):
    import_knowledge(read_application(file), database)
    suite, outcome = held_to_suite(file)
    assert (len(suite.conversations), outcome.turns, list(outcome.failures)) == (3, 4, [6])
    assert held_to_suite(file.parent / "suite.yaml")[1] == outcome == held_to_suite(file, file.parent / "suite.yaml")[1]
    with opened(read_application(file)) as desk:
        assert desk.held(1) == []
        assert desk.learning.candidates() == []


def test_the_verb_lists_what_differs_and_fails(file, database, capsys):
    import_knowledge(read_application(file), database)
    assert main.run(["customer-service", "test", str(file)]) == 1
    out = capsys.readouterr().out
    assert "line 6, parcels 1 ('能代收快递吗？'): action is" in out
    assert "2 of 3 conversations, 3 of 4 turns as expected" in out
    assert main.run(["customer-service", "import", str(file), "--force", " "]) == 2
    assert "has no reason" in capsys.readouterr().err
    (file.parent / "bare.toml").write_text(file.read_text(encoding="utf-8").partition("[release]")[0], "utf-8")
    with pytest.raises(UsageError, match="names no suite"):
        held_to_suite(file.parent / "bare.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("conversations: [{turns: [{say: a, acton: answer}]}]", "line 1, has the name 'acton'.*'action'"),
        ("conversations:\n- turns:\n  - {say: a, action: anwser}", "line 3, expects the action 'anwser'.*'answer'"),
        ("conversations:\n- turns: []", "line 2, is no list, or an empty one"),
        ("conversations:\n- turns: [{action: answer}]", "line 2, lacks 'say'"),
        ("conversations: [{turns: [{say: [a]}]}]", "holds a list or names where a text must stand"),
        ("conversations: [{turns: [{say: a, say: b}]}]", "says something twice"),
        ("[" * 1200, "is no YAML"),
        ("a: &a [*a]\nconversations: *a", "has the name 'a'"),
        ("conversations: &a [{turns: *a}]", "is no YAML|does not hold names|lacks|has the name"),
        ("", "line 1, does not hold names with values"),
        ("conversations: [{turns: [{say: !!python/object/apply:os.getcwd []}]}]", "holds a list or names"),
    ],
)  # fmt: skip
def test_a_suite_of_another_form_is_refused_with_its_line(tmp_path, text, said):
    (tmp_path / "suite.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_suite(tmp_path / "suite.yaml")
    with pytest.raises(DataError, match="There is no suite"):
        read_suite(tmp_path / "none.yaml")


def test_values_of_a_suite_are_the_texts_that_stand_there(tmp_path):
    (tmp_path / "suite.yaml").write_text("conversations: [{turns: [{say: no, contains: 0100}]}]", encoding="utf-8")
    (conversation,) = read_suite(tmp_path / "suite.yaml").conversations
    assert conversation.turns == ({"say": "no", "contains": "0100"},)


def faq(folder, rows):
    with (folder / "faq.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("question", "answer", "variants"), *rows])


@pytest.fixture
def trainable(tmp_path):
    """An application that a tiny base can learn, and the rows of its FAQ."""
    save_tiny_base(tmp_path / "base")
    source = random.Random(3)
    rows = []
    for number in range(24):
        own = source.sample(WORDS, 3)
        ways = [" ".join(source.sample(own, 3)) for _ in range(3)]
        rows.append((f"{' '.join(own)} {number}", f"answer {number} of {own[0]}", "|".join(dict.fromkeys(ways))))
    path = written(tmp_path, suite=f'conversations: [{{turns: [{{say: "{rows[0][0]}", action: answer}}]}}]')
    text = path.read_text(encoding="utf-8") + f'[model]\nbase = "{tmp_path / "base"}"\nepochs = 1\n'
    path.write_text(text + "[ladder]\ndeclined = 0.51\nprecision = 0.51\n", encoding="utf-8")
    faq(tmp_path, rows)
    return path, rows


def test_the_next_training_learns_from_people_and_what_is_refused_is_released_by_force_without_training_again(
    trainable, capsys
):
    path, rows = trainable
    assert main.run(["customer-service", "train", str(path), "--json"]) == 0
    json.loads(capsys.readouterr().out)
    assert main.run(["customer-service", "test", str(path)]) == 0
    first, stood = pairs_learned_from(), standing("bank")
    with opened(read_application(path)) as desk:
        candidate, own = helped_by_people(desk, rows[1][0])
    faq(path.parent, rows[1:])
    capsys.readouterr()
    assert main.run(["customer-service", "train", str(path)]) == 1
    told = capsys.readouterr().err
    assert "The release of bank is refused" in told
    assert "1 answers that people gave, 1 further ways to ask" in told
    assert standing("bank") == stood
    new = pairs_learned_from() - first
    assert ("how do I close my account", "Close it at any branch with your passport.") in new
    assert {(candidate.question, rows[1][1]), (own.question, own.answer)} <= new
    assert not [pair for pair in new if "No idea" in pair[1]]
    assert main.run(["customer-service", "train", str(path), "--force", "no such question any more"]) == 0
    assert "learned from just the same" in capsys.readouterr().err
    assert standing("bank").bundle == "bank-questions@2"
    assert versions("bank-questions") == [1, 2]


def helped_by_people(desk, question):
    """Let people answer, approve a candidate as a way to ask a question, and another as an entry of its own."""
    begun = desk.say("how do I close my account").conversation
    for text in ("agent please", "are you there"):
        desk.say(text, begun)
    desk.take(begun)
    for text in ("Hello!", "Close it at any branch with your passport."):
        desk.write(begun, text)
    other = desk.say("can the dog come along too").conversation
    desk.say("agent please", other)
    desk.take(other)
    desk.write(other, "No idea, ask somebody else please.")
    desk.rate(other, resolved=False)
    first, second = desk.learning.candidates()
    entry = next(one for one in desk.ladder.library.entries.values() if one.question == question)
    desk.learning.approve_as(first.id, entry.id)
    return first, desk.learning.approve(second.id, answer="Dogs wait outside of the branch.")


def pairs_learned_from():
    with (folder_of("bank") / "train.csv").open(encoding="utf-8", newline="") as file:
        return {(row["text"], row["pair"]) for row in csv.DictReader(file)}


def test_what_looks_again_at_close_candidates_is_a_match_bundle_of_two_labels(file, tmp_path):
    def files(folder):
        made_files()(folder)
        made_model(folder / "model.onnx", labels=2)
        write_json(folder / "labels.json", ["0", "1"])

    write_bundle(tmp_path / "again", files, made_facts(task="match"))
    with file.open("a", encoding="utf-8") as opened_file:
        opened_file.write('[model]\nreranker = "again"\n')
    settings = read_application(file)
    assert settings.model.reranker == str(tmp_path / "again")
    with pytest.raises(BundleError, match="none"):
        reranker_of("none")
    with pytest.raises(UsageError, match=r"task 'classify' with the labels bad, good"):
        reranker_of(str(made_bundle(tmp_path / "plain")))
    stood = standing("bank")
    curated = replace(stood.thresholds.curated, close=(1.0, 0.0, 0.0))
    thresholds = replace(stood.thresholds, curated=curated)
    let_stand("bank", replace(stood, thresholds=thresholds, reranker=settings.model.reranker))
    with closing(open_database()) as database:
        import_knowledge(settings, database)
    with opened(settings) as desk:
        assert desk.ladder.library.reranker.same == "1"
        assert desk.say("信用卡年费").reply.trace


def test_what_says_answers_in_its_own_words_is_a_generate_bundle(file, tmp_path):
    made_bundle(tmp_path / "plain")
    with file.open("a", encoding="utf-8") as opened_file:
        opened_file.write('[model]\ngenerator = "plain"\n')
    with pytest.raises(UsageError, match=r"plain writes nothing.*`generate` bundle"), opened(read_application(file)):
        pass
