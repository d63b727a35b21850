"""The files of the pages: every text in both languages, nothing from outside, no text that becomes HTML."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from made_service import BY_QUESTION, BY_WORDS, library, settings

from feilun.apps.customer_service import desk
from feilun.apps.customer_service.finding.held_out import Thresholds
from feilun.apps.customer_service.improving.measures import By, Measures
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.reply import Action
from feilun.apps.customer_service.rungs import rung
from feilun.apps.customer_service.words import phrases
from feilun.apps.public_opinion import incidents, wording
from feilun.apps.recommendation.answering import answer
from feilun.apps.recommendation.ranking.context_lift import LIFT
from feilun.apps.recommendation.ranking.features import FEATURES
from feilun.interfaces.console.console import FILES, SHELL, Page
from feilun.interfaces.http import faults

SCRIPTS = {name: path.read_text(encoding="utf-8") for name, path in FILES.items() if path.suffix == ".js"}
WORDS_TEXT = FILES["words.json"].read_text(encoding="utf-8")
WORDS = json.loads(WORDS_TEXT)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    for key, both in WORDS.items():
        assert set(both) == {"zh", "en"}, key
        assert all(text.strip() for text in both.values()), key
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in both.values()]
        assert places[0] == places[1], key
    swapped = {"other_language"}  # named in the language that it leads to
    assert [key for key, both in WORDS.items() if CHINESE.search(both["en"]) and key not in swapped] == []


def test_no_two_texts_have_one_name() -> None:
    names = json.loads(WORDS_TEXT, object_pairs_hook=lambda pairs: [name for name, _ in pairs])
    assert len(names) == len(set(names))


def test_every_text_that_a_page_says_is_in_the_table_and_every_one_there_is_said() -> None:
    source = "\n".join(SCRIPTS.values())
    said = set(re.findall(r'say\("([\w.]+)"', source)) | {
        *re.findall(r'start\("(\w+)"', source), *re.findall(r'^ +"(summary\.\w+)":', source, re.MULTILINE),
        *(f"part.{name}" for name in re.findall(r'name: "(\w+)", scope', source)),
    }  # fmt: skip
    assert said <= set(WORDS)
    kinds = set(re.findall(r'named\("(\w+)"', source))
    unsaid = {key for key in WORDS if key not in said and key.partition(".")[0] not in kinds}
    assert unsaid == set()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("action", get_args(Action)),
        ("reason", [*desk.PRIORITY, "repeated failure"]),
        ("channel", desk.CHANNELS),
        ("severity", incidents.SEVERITIES),
        ("state", [*get_args(incidents.State), "bot", "queue", "person"]),
        ("figure", [field.name for field in fields(Measures) if field.name != "reasons"]),
        ("figure_why", [field.name for field in fields(Measures) if field.name != "reasons"]),
        ("kind", [by for by in get_args(By) if by != "all"]),
        ("act", incidents.ACTIONS),
        ("happened", ["opened", "closed", "reopened", *incidents.ACTIONS]),
        ("happened", [f"escalated to {severity}" for severity in incidents.SEVERITIES]),
        ("sentiment", wording.SENTIMENTS),
        ("feature", FEATURES),
        ("note", [answer.ALL_TAKEN, answer.NOTHING_SHOWN]),
        ("status", [str(status) for _, status in faults.STATUSES]),
    ],
)
def test_what_the_service_names_has_a_name_in_both_languages(kind: str, values: list[str]) -> None:
    assert {f"{kind}.{value}" for value in values} <= set(WORDS)


def test_what_the_rungs_decide_has_a_name_in_both_languages() -> None:
    rungs = Path(desk.__file__).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in rungs.rglob("*.py"))
    decided = {*re.findall(r'"decision": "([^"]+)"', source), *re.findall(r'return "([^"]+)", Reply', source)}
    wanted = {f"decided.{one}" for one in (decided | {rung.GONE} | {*phrases.COURTESIES})}
    climbed = Ladder(library(), Thresholds(BY_WORDS, BY_QUESTION), settings())
    asked = ("银行卡丢了怎么挂失", "转账查证需要什么？", "退汇手续费", "火星上有没有船票卖")
    wanted |= {f"fact.{name}" for text in asked for step in climbed.answer(text, {})[0].trace for name in step} - {
        "fact.rung"
    }
    wanted |= {f"rung.{one}" for one in re.findall(r'"rung": "(\w+)"', source)}
    assert len(decided) > 20
    assert wanted <= set(WORDS)


def test_a_feature_of_the_context_is_known_by_its_ending() -> None:
    assert f'LIFT = "{LIFT}"' in SCRIPTS["lists.js"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_html_or_code_out_of_a_text(name: str) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(|Function\("
    )
    assert re.findall(forbidden, SCRIPTS[name]) == []


def test_nothing_is_fetched_from_outside_and_nothing_stands_inline() -> None:
    for name, path in {**FILES, "page.html": SHELL}.items():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"https?://\w", text) == [], name
    shell = SHELL.read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", shell) == []


def test_every_page_and_every_file_that_it_names_is_there() -> None:
    assert {f"{page.replace('-', '_')}.js" for page in get_args(Page)} <= set(FILES)
    for name, path in {**FILES, "page.html": SHELL}.items():
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r'(?:from "\./|(?:src|href)=")([\w.-]+)"', text))
        assert named <= set(FILES), name
