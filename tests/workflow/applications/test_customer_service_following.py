"""A service that runs answers by what is released meanwhile, and goes on as before where that cannot be opened."""

import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest
from made_bank import FEE, LOST, written

from feilun.apps.customer_service.known.entries import Passage
from feilun.bundles.registry import next_version
from feilun.core.errors import BundleError
from feilun.storage.customer_service_releases import keep_release, newest_release
from feilun.workflow.applications.customer_service.file import read_application
from feilun.workflow.applications.customer_service.following import Following
from feilun.workflow.applications.customer_service.rollback import roll_back
from feilun.workflow.applications.customer_service.version import let_stand, standing
from feilun.workflow.applications.customer_service.wiring import import_knowledge, opened
from tiny_bundle import made_bundle

NEW = (FEE[0], "普卡年费一百元。")


@pytest.fixture
def settings(file, database):
    found = replace(read_application(file), release=replace(read_application(file).release, suite=""))
    import_knowledge(found, database)
    return found


def followed_by_hand(settings, desk, database):
    with database.read() as connection:
        return Following(settings, desk, standing("bank"), newest_release(connection, "bank"))


def test_a_running_desk_answers_by_each_release_within_seconds(settings, database):
    written(settings_folder(settings), NEW, LOST)
    with opened(settings, follow=True) as desk:
        assert desk.say(FEE[0]).reply.text == FEE[1]
        import_knowledge(settings, database)
        assert comes(lambda: desk.say(FEE[0]).reply.text == NEW[1])
        roll_back(settings, database)
        assert comes(lambda: desk.say(FEE[0]).reply.text == FEE[1])


def test_only_what_changed_is_read_and_approvals_stay(settings, database):
    with opened(settings) as desk:
        following = followed_by_hand(settings, desk, database)
        assert not following.look()
        desk.say("能代收快递吗")
        approved = desk.learning.approve(desk.learning.candidates()[0].id, answer="不能。")
        library, read = desk.ladder.library, []
        library.change([], [Passage("old", "old.md", (), "line 1", "以前的规定。")])
        embed = library.embedder.embed
        library.embedder = type("Told", (), {"embed": lambda _, corpus: read.extend(corpus.text) or embed(corpus)})()
        written(settings_folder(settings), NEW, LOST)
        import_knowledge(settings, database)
        assert following.look()
        assert NEW[1] in read
        assert not {LOST[1], approved.answer} & {*read}
        assert desk.ladder.library is library
        assert {entry.answer for entry in library.entries.values()} == {NEW[1], LOST[1], approved.answer}
        assert "old" not in library.passages
        assert not following.look()


def test_a_new_model_takes_the_place_of_the_former_and_one_that_is_gone_does_not(settings, database, caplog):
    with opened(settings) as desk:
        following, former = followed_by_hand(settings, desk, database), desk.ladder
        made_bundle(next_version("bank-questions"), name="bank-questions")
        released(replace(standing("bank"), bundle="bank-questions@2"), database)
        assert following.look()
        assert desk.ladder.library is not former.library
        assert desk.learning.ladder is desk.ladder
        released(replace(standing("bank"), bundle="bank-questions@9"), database)
        with pytest.raises(BundleError):
            following.look()
        assert desk.say(FEE[0]).reply.text == FEE[1]
    with caplog.at_level(logging.WARNING), opened_by(settings, "bank-questions@2") as desk:
        released(replace(standing("bank"), bundle="bank-questions@9"), database)
        assert comes(lambda: "the one before goes on to" in caplog.text)
        assert desk.say(FEE[0]).reply.text == FEE[1]


def opened_by(settings, bundle):
    let_stand("bank", replace(standing("bank"), bundle=bundle))
    return opened(settings, follow=True)


def released(version, database):
    let_stand("bank", version)
    with database.write() as connection:
        keep_release(connection, "bank", version.to_json())


def settings_folder(settings):
    return Path(settings.knowledge.faq[0]).parent


def comes(what, seconds=10.0):
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.1)
    return found
