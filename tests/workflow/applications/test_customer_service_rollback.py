"""An earlier release is put back in one command: what was imported, the model, and approvals where asked for."""

import json
import shutil

import pytest
from made_bank import FEE, LOST, written

from feilun.core.errors import BundleError, GateNotMet, UsageError
from feilun.core.places import home
from feilun.interfaces.cli import main
from feilun.storage import audit
from feilun.storage.customer_service_releases import KEPT, keep_release, knowledge_of, releases_of
from feilun.storage.database import open_database
from feilun.workflow.applications.customer_service.file import read_application
from feilun.workflow.applications.customer_service.knowledge import known_to
from feilun.workflow.applications.customer_service.rollback import roll_back
from feilun.workflow.applications.customer_service.version import Version, let_stand, standing
from feilun.workflow.applications.customer_service.wiring import import_knowledge, opened

NEW = ("信用卡年费是多少？", "普卡年费一百元。")


@pytest.fixture
def changed(file, database):
    """The application after a second import, by which the fee costs something."""
    import_knowledge(read_application(file), database)
    settings = read_application(written(file.parent, NEW, LOST, suite="conversations: [{turns: [{say: 在吗}]}]"))
    import_knowledge(settings, database)
    return settings


def questions(database):
    return sorted(entry.question for entry in known_to("bank", database).entries)


def answer(settings, text="信用卡年费是多少？"):
    with opened(settings) as desk:
        return desk.say(text).reply.text


def approved(settings):
    with opened(settings) as desk:
        desk.say("能代收快递吗")
        desk.learning.approve(desk.learning.candidates()[0].id, answer="不能。")


def test_one_command_puts_the_former_release_back_and_the_audit_log_tells_of_it(changed, database, file, capsys):
    assert answer(changed) == NEW[1]
    assert main.run(["customer-service", "rollback", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"restored": 1}
    assert answer(changed) == FEE[1]
    with database.read() as connection:
        noted = audit.last(connection, "release application", application="bank")
        assert "年费" not in "".join(entry.details for entry in audit.entries(connection))
    assert {name: noted[name] for name in ("restored", "approved")} == {"restored": 1, "approved": False}
    assert main.run(["customer-service", "releases", str(file), "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["release"], one["restored"], one["known"]) for one in listed] == [
        (3, 1, {"faq": 2}), (2, None, {"faq": 2}), (1, None, {"faq": 2})
    ]  # fmt: skip
    assert main.run(["customer-service", "rollback", str(file)]) == 2  # nothing before release 1
    assert "no release before the one that stands" in capsys.readouterr().err
    roll_back(changed, database, 2)
    assert answer(changed) == NEW[1]


def test_what_people_approved_stays_unless_it_is_asked_for_and_is_never_lost(changed, database):
    approved(changed)
    roll_back(changed, database)
    assert questions(database) == sorted([FEE[0], LOST[0], "能代收快递吗"])
    assert answer(changed, "能代收快递吗") == "不能。"
    with pytest.raises(UsageError, match="--approved without --to"):
        roll_back(changed, database, approved=True)
    roll_back(changed, database, 1, approved=True)
    assert questions(database) == sorted([FEE[0], LOST[0]])
    with database.read() as connection:
        kept = releases_of(connection, "bank")
        assert {"不能。"} < {one.content["answer"] for one in knowledge_of(connection, "bank", kept[1].number)}
    roll_back(changed, database, kept[1].number, approved=True)
    assert answer(changed, "能代收快递吗") == "不能。"


def test_the_model_goes_back_with_it_and_one_that_is_gone_refuses(changed, database):
    first = standing("bank")
    second = Version(first.bundle, first.thresholds, reranker="")
    let_stand("bank", Version("bank-questions@7", first.thresholds))
    roll_back(changed, database, 1)
    assert standing("bank") == second
    before = questions(database)
    shutil.rmtree(home() / "models" / "bank-questions")
    with pytest.raises(BundleError):
        roll_back(changed, database, 2)
    assert (questions(database), standing("bank")) == (before, second)


def test_a_release_of_another_feilun_and_one_whose_reranker_is_gone_change_nothing(changed, database, file, capsys):
    stands = standing("bank")
    for version in ({**stands.to_json(), "thresholds": {}}, {**stands.to_json(), "reranker": "gone@1"}):
        with database.write() as connection:
            keep_release(connection, "bank", version)
    before = questions(database)
    assert main.run(["customer-service", "rollback", str(file), "--to", "3"]) == 2
    assert "another version of Feilun" in capsys.readouterr().err
    with pytest.raises(BundleError, match="gone"):
        roll_back(changed, database, 4)
    assert (questions(database), standing("bank")) == (before, stands)


def test_a_rollback_is_held_to_the_suite(file, database, tmp_path):
    import_knowledge(read_application(file), database)
    path = written(tmp_path, NEW, LOST, suite="conversations: [{turns: [{say: 信用卡年费是多少？, contains: 一百}]}]")
    import_knowledge(read_application(path), database)
    with pytest.raises(GateNotMet, match="--force REASON"):
        roll_back(read_application(path), database)
    assert main.run(["customer-service", "rollback", str(path), "--force", "the fee was a mistake"]) == 0
    assert answer(read_application(path)) == FEE[1]


def test_an_unknown_release_is_refused_and_only_the_newest_are_kept(database_url):
    database = open_database(database_url)
    with database.write() as connection:
        for _ in range(KEPT + 3):
            keep_release(connection, "bank", None)
        keep_release(connection, "shop", None)
    with database.read() as connection:
        assert [one.number for one in releases_of(connection, "bank")] == list(range(KEPT + 3, 3, -1))
        assert [one.number for one in releases_of(connection, "shop")] == [1]
        assert knowledge_of(connection, "bank", 2) == []
    database.close()


def test_a_release_that_is_not_there_is_named(changed, database):
    with pytest.raises(UsageError, match="no release 9") as raised:
        roll_back(changed, database, 9)
    assert "Kept are: 1 to 2" in str(raised.value)
