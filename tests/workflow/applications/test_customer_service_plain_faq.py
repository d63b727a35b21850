"""A FAQ of questions and answers alone is trained for: the base is taken as it is, and thresholds are borrowed."""

import csv
import time
from dataclasses import replace
from threading import Event, Thread

import pytest

from feilun.apps.customer_service.settings import ModelSettings
from feilun.bundles.registry import next_version
from feilun.core import folder_lock
from feilun.core.places import home
from feilun.interfaces.cli.applications.customer_service_calibration import show_calibration
from feilun.workflow.applications.customer_service import training
from feilun.workflow.applications.customer_service.demo import demo_settings, packaged_entries
from feilun.workflow.applications.customer_service.version import folder_of, standing
from feilun.workflow.applications.customer_service.wiring import opened
from feilun.workflow.screen import Screen
from tiny import save_tiny_base
from tiny_bundle import made_bundle

ROWS = [
    ("你们几点开门？", "每天上午十点到晚上九点。"),
    ("可以带宠物进店吗？", "可以，请牵好绳子。"),
    ("Is there parking?", "Yes."),
]


class Said(Screen):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def faq(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("question", "answer"), *rows])
    return path


@pytest.mark.usefixtures("brisk")
def test_a_faq_without_variants_answers_its_questions_and_says_what_is_not_known(
    tmp_path, database, capsys, monkeypatch
):
    base = save_tiny_base(tmp_path / "base")
    settings = replace(demo_settings(faq(tmp_path / "faq.csv", ROWS)), model=ModelSettings(str(base)))
    monkeypatch.setattr(training, "packaged_entries", lambda: packaged_entries()[::5])  # seconds less, the same way
    screen = Said()
    found = training.train(settings, database, screen=screen)
    assert not any("other answers" in line for line in screen.lines)
    assert any("is taken as it is" in line for line in screen.lines)
    with opened(settings) as desk:
        for question, answer in ROWS:
            assert desk.say(question).reply.text == answer
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    show_calibration(found)
    assert "没有其他问法" in capsys.readouterr().out
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    show_calibration(found)
    said = capsys.readouterr().out
    assert "is not known: the FAQ has no variants" in said
    assert "at least 20 entries" in said
    other = replace(
        settings,
        name="other",
        knowledge=demo_settings(faq(tmp_path / "one.csv", [*ROWS[:1], (ROWS[0][0], "不知道")])).knowledge,
    )
    taken, said = standing_after(other, database)
    assert any("other answers: 1." in line for line in said)
    assert taken.bundle == standing("customer-service-demo").bundle  # made once for all applications
    (home() / "models" / taken.bundle.partition("@")[0] / "1" / "model.onnx").write_bytes(b"damaged")
    made, _ = standing_after(other, database)
    assert made.bundle == taken.bundle.replace("@1", "@2")
    assert made.thresholds == taken.thresholds


def standing_after(settings, database):
    screen = Said()
    training.train(settings, database, screen=screen)
    return standing(settings.name), screen.lines


def test_what_another_process_is_making_is_waited_for_and_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "LOOK_SECONDS", 0.01)
    save_tiny_base(tmp_path / "base")
    screen, held, named = Said(), Event(), []

    def other(name):
        with folder_lock.locked_folder(folder_of(name)):
            held.set()
            while training.ANOTHER_MAKES_IT not in screen.lines:
                time.sleep(0.01)
            made_bundle(next_version(name), name=name)

    def begin(name):
        """The other process begins when this one looks where its work is."""
        if not named:
            named.append(Thread(target=other, args=(name,)))
            named[0].start()
            held.wait(10)
        return folder_of(name)

    monkeypatch.setattr(training, "folder_of", begin)
    bundle, _ = training._as_it_is(str(tmp_path / "base"), "sha", screen, packaged_entries())
    named[0].join()
    assert bundle.name.startswith("questions-untuned-")
    assert bundle.version == "1"
    assert "was made of it before" in screen.lines[-1]
