"""The interest model: learned from what came before, kept without its rows, read at once, and served without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest

from feilun.apps.recommendation.candidates.interest import Interest
from feilun.apps.recommendation.interest.history_text import text_of_history, words_of
from feilun.apps.recommendation.interest.pairs import pairs_of
from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.records.interactions import History
from feilun.apps.recommendation.sample.shop import simulate
from feilun.core.errors import BundleError
from feilun.core.remark import said_in
from feilun.storage.database import open_database
from feilun.workflow.applications.recommendation import wiring as application
from feilun.workflow.applications.recommendation.file import read_application
from feilun.workflow.applications.recommendation.interest import models_of, tuned
from feilun.workflow.applications.recommendation.judging import evaluate
from feilun.workflow.applications.recommendation.prepared import before_ranking, prepare, taught
from feilun.workflow.applications.recommendation.tables import take_tables
from feilun.workflow.screen import Screen
from tiny import WORDS, save_tiny_base

pytestmark = pytest.mark.usefixtures("brisk")


class Heard(Screen):
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    save_tiny_base(folder / "base")
    sample = simulate(shoppers=120, sessions=5)
    polars.DataFrame([
        {"item": i.id, "title": f"{WORDS[n % 16]} {WORDS[n // 16 % 16]} {WORDS[n // 7 % 16]}", "categories": "fee"}
        for n, i in enumerate(sample.items)
    ]).write_parquet(folder / "items.parquet")  # fmt: skip
    polars.DataFrame([
        {"id": e.id, "user": e.user, "item": e.item, "type": e.type, "value": e.value, "time": e.time}
        for e in sample.events
    ]).write_csv(folder / "events.csv")  # fmt: skip
    (folder / "shop.toml").write_text(
        'application = "recommendation"\nitems = "items.parquet"\nevents = "events.csv"\n[ranking]\ntrees = 5\n'
        f'[interest]\ntune = true\nbase = "{(folder / "base").as_posix()}"\nlayers = 1\npairs = 500\nepochs = 1\n'
        "[candidates.quotas]\nals = 40\ntext = 40\npopular = 20\n", encoding="utf-8",
    )  # fmt: skip
    return folder / "shop.toml"


def prepared_of(file):
    database, settings = open_database(), read_application(file)
    take_tables(database, settings, lambda line: None)
    return database, settings, prepare(settings, database)


def test_what_is_trained_reads_items_and_histories_and_keeps_nothing_of_any_user(file, own_home):
    database, settings, prepared = prepared_of(file)
    assert settings.candidates.quotas["interest"] == 60
    assert prepared.interest is None, "nothing is trained yet"
    folder = application.train(settings, prepared)
    opened = prepare(settings, database)
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["interest"] == opened.interest
    assert [path.name for path in models_of(settings).iterdir()] == [opened.interest], "the pairs are deleted"
    texts = [path.read_bytes() for path in own_home.rglob("*") if path.is_file() and path.suffix != ".db"]
    assert not any(b"shopper-" in text or b" today: " in text for text in texts)

    shop = application.open_shop(settings, database, opened, seed=1)
    found = shop.recommender.model.generators["interest"]
    at = opened.now
    history = shop.recommender.histories.of("shopper-0003", at)
    before = found.scores(history)
    assert before.max() > 0
    assert "interest" in shop.recommender.model.names
    liked = int(np.argmin(before))
    shop.take([Interaction("now", "shopper-0003", opened.catalogue.items[liked].id, "buy", 1.0, at + 60, None)])
    after = found.scores(shop.recommender.histories.of("shopper-0003", at + 60))
    assert not np.allclose(before, after), "an event moves the user's vector at once"

    shop.put([Item("fresh", "good loan", categories=("fee",))])
    wider = shop.recommender.model.generators["interest"].scores(history)
    assert len(wider) == len(before) + 1
    assert wider[-1] != 0, "an item is known from its text"
    shop.recommender.forget("shopper-0003")
    assert not opened.catalogue.reader._kept
    database.close()
    answers_without_torch(file, settings)


def answers_without_torch(file, settings):
    code = (
        "import sys, pathlib\nfrom feilun.workflow.applications.recommendation.wiring import opened_shop\n"
        "from feilun.workflow.applications.recommendation.file import read_application\n"
        f"with opened_shop(read_application(pathlib.Path({str(file)!r}))) as shop:\n"
        "    assert shop.recommend('shopper-0003', 5)[0].places\n"
        "    assert shop.recommender.model.catalogue.reader._kept\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for path in models_of(settings).iterdir():
        (path / "model.onnx").unlink()
    with pytest.raises(BundleError), application.opened_shop(settings):
        pass


def test_nothing_of_the_time_that_is_judged_is_learned(file):
    database, settings, prepared = prepared_of(file)
    everything = prepared.read.positive
    known = before_ranking(everything, settings)
    assert known.time.max() < np.quantile(everything.time, 1 - settings.ranking.held_out)
    items, words = prepared.catalogue.items, words_of(tuple(settings.signals.positive))
    later = replace(everything, item=np.where(everything.time > known.time.max(), 7, everything.item))
    pairs = [pairs_of(before_ranking(one, settings), items, words, 500, 1) for one in (everything, later)]
    assert pairs[0] == pairs[1], "what happens later changes no pair"
    hidden = np.arange(len(items)) < 200
    kept = pairs_of(known, items, words, 500, 1, hidden)
    assert kept
    told = {item.title for item in items[200:]}
    assert {pair.item.removesuffix(" fee") for pair in kept} <= told
    assert {one.split(": ")[1].split(" (")[0] for pair in kept for one in pair.history.split(" | ")} <= told
    database.close()


def test_it_is_judged_beside_the_application_without_it(file):
    database, settings, prepared = prepared_of(file)
    found = evaluate(settings, prepared, lambda line: None)
    assert {"ours", "ours, no interest model", "ours, without text"} <= set(found.rows)
    assert "interest model" in found.cold
    again = taught(settings, prepared, prepared.read.positive.select(np.arange(10)))
    assert again.catalogue.reader is None, "ten interactions teach nothing"
    database.close()


def test_too_little_is_said_in_both_languages_and_the_application_goes_on_without(file):
    database, settings, prepared = prepared_of(file)
    heard, few = Heard(), prepared.read.positive
    assert tuned(settings, few.select(few.user < 9), prepared.catalogue.items, heard) is None
    assert "too few to fine-tune on" in heard.said[0]
    assert "太少" in said_in("zh", heard.said[0])
    without = Interest().fit(few, prepared.catalogue, 0.0)
    assert not without.scores(few.history(0)).any()
    database.close()


def test_a_history_tells_what_was_done_when_with_what_and_nothing_of_the_user():
    items = [Item("a", "Longjing tea", categories=("tea", "green")), Item("b", "Kettle"), Item("c", "", "A cup")]
    words = words_of(("click", "(read >= 30)", "buy"))
    day = 86_400.0
    times = np.array([0, 38 * day, 40 * day - 60, 40 * day])
    history = History(np.array([0, 1, 2, 0]), np.ones(4), times, actions=np.array([2, 1, 0, 2], np.int16))
    assert text_of_history(history, items, words) == (
        "buy: Longjing tea (tea, green) | click: A cup | read this week: Kettle | "
        "buy earlier: Longjing tea (tea, green)"
    )
    unnamed = History(np.array([1]), np.ones(1), np.zeros(1))
    assert text_of_history(unnamed, items, words) == "took: Kettle"


def test_the_generator_needs_the_switch(tmp_path):
    path = Path(tmp_path / "shop.toml")
    path.write_text('application = "recommendation"\n[candidates.quotas]\ninterest = 5\n', encoding="utf-8")
    with pytest.raises(Exception, match=r"interest\.tune"):
        read_application(path)
