"""The page of customer service in a real browser: a chat, the queue, candidates, signing in; texts stay texts."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_service import desk as made_desk

from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.interfaces.console.console import with_console
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.customer_service import with_customer_service
from feilun.serving.access import Access
from feilun.serving.engine import Engine
from feilun.storage import customer_service as storage
from feilun.storage import tokens

pytestmark = pytest.mark.slow

ATTACK = "<script>hacked = 1</script><img src=x onerror='hacked = 1'>"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    yield opened
    opened.database.close()


@pytest.fixture
def address(desk: Desk, serving: Callable[..., Any]) -> Iterator[str]:
    with serving(with_console(with_customer_service(create_app, desk), "customer-service")(Engine({}))) as base:
        yield f"{base}/console"


def say(page: Any, text: str) -> None:
    page.fill("textarea", text)
    page.press("textarea", "Enter")


def test_a_customer_asks_chooses_and_judges(address: str, visitor: Callable[..., Any], desk: Desk) -> None:
    page = visitor(390).open(address)
    page.wait_for_selector(".nothing")
    say(page, "卡丢了怎么办")
    assert "银行卡丢了怎么挂失" in page.locator(".turn.bot .citations").inner_text()
    assert "curated" in page.locator(".trace").text_content()
    page.evaluate("document.querySelector('.turn.customer').dataset.stays = 'yes'")
    page.click("text=没帮助")
    page.wait_for_selector(".thanks")
    assert [one.question for one in desk.learning.candidates()] == ["卡丢了怎么办"]
    say(page, "信用卡年费")
    page.locator(".options button", has_text="减免").click()
    page.wait_for_selector("text=刷满六笔。")
    assert page.locator(".turn.customer").first.get_attribute("data-stays") == "yes"  # drawn once, not at each turn
    assert page.locator(".turn.customer").count() == 3
    page.reload()
    page.wait_for_selector("text=刷满六笔。")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.click("text=开始新对话")
    page.wait_for_selector(".nothing")


def test_a_person_takes_over_answers_and_gives_back(address: str, visitor: Callable[..., Any], desk: Desk) -> None:
    customer, operator = visitor().open(address), visitor().open(f"{address}/customer-service#queue")
    operator.wait_for_selector(".list .nothing")
    say(customer, "信用卡年费是多少？")
    customer.wait_for_selector("text=普卡免年费。")
    say(customer, "转人工")
    operator.locator(".row").click()
    operator.wait_for_selector(".summary >> text=客户要求")
    assert "转人工" in operator.locator(".detail .turn.customer").last.inner_text()
    operator.click("text=接管对话")
    operator.click("text=机器人建议")
    operator.wait_for_selector("text=对“信用卡年费是多少？”，机器人会这样回答")
    operator.click("text=采用")
    assert operator.input_value(".detail textarea") == "普卡免年费。"
    operator.fill(".detail textarea", "您好，我是小王。")
    operator.click(".detail .composer button")
    customer.wait_for_selector(".turn.person >> text=您好，我是小王。")
    operator.click("text=交还机器人")
    operator.wait_for_selector(".list .nothing")
    say(customer, "卡丢了怎么办")
    customer.wait_for_selector("text=请在掌银里挂失。")


def test_an_approved_candidate_answers_at_once_and_a_rejected_one_goes(
    address: str, visitor: Callable[..., Any], desk: Desk
) -> None:
    for question in ("能代收快递吗", "火星上有网点吗"):
        desk.say(question)
    page = visitor().open(f"{address}/customer-service#candidates")
    first = page.locator(".candidate").first
    assert first.locator("text=通过").is_disabled()
    first.locator("textarea").fill("回答里有 {unknown}")
    first.locator("text=通过").click()
    assert "未知的槽位" in page.locator(".notice.failed").inner_text()
    first.locator("textarea").fill("不能。")
    first.locator("text=通过").click()
    page.wait_for_selector(".notice.done")
    assert desk.say("能代收快递吗").reply.text == "不能。"
    desk.say("帮我把年费的钱退回来")
    ids = {one.question: one.id for one in desk.learning.candidates()}
    other = page.locator(f'.candidate[data-id="{ids["帮我把年费的钱退回来"]}"]')
    other.locator("text=与已有问题相同").click()
    other.locator(".options button", has_text="信用卡年费怎么减免").click()
    page.wait_for_selector(".notice.done >> text=减免")
    assert desk.say("帮我把年费的钱退回来").reply.text == "刷满六笔。"
    page.locator(f'.candidate[data-id="{ids["火星上有网点吗"]}"]').locator("text=拒绝").click()
    page.wait_for_selector(".candidates .nothing")
    assert [one.question for one in desk.learning.candidates("rejected")] == ["火星上有网点吗"]


def test_markup_in_messages_answers_and_candidates_is_text(
    address: str, visitor: Callable[..., Any], desk: Desk
) -> None:
    desk.ladder.library.change([FaqEntry("evil", "天气怎么样？", ATTACK, (), ATTACK)])
    conversation = desk.say("转人工").conversation
    with desk.database.write() as connection:
        turn = storage.Turn(uuid.uuid4().hex, conversation, time.time(), "customer", ATTACK)
        storage.add_turns(connection, "bank", [turn])
        storage.propose(connection, "bank", ATTACK, ATTACK)
    guest = visitor()
    chat = guest.open(address)
    say(chat, f"天气怎么样？{ATTACK}")
    chat.wait_for_selector(".turn.bot")
    assert ATTACK in chat.locator(".turn.bot .text").inner_text()
    queue = guest.open(f"{address}/customer-service#queue")
    queue.locator(".row").first.click()
    assert ATTACK in queue.locator(".detail .turn.customer .text").last.inner_text()
    candidates = guest.open(f"{address}/customer-service#candidates")
    assert candidates.locator(".candidate textarea").first.input_value() == ATTACK
    measures = guest.open(f"{address}/customer-service#measures")
    measures.select_option("select >> nth=0", "intent")
    measures.locator("tbody", has_text="hacked").first.wait_for()
    assert ATTACK in measures.inner_text("tbody")
    for page in (chat, queue, candidates, measures):
        page.wait_for_timeout(300)
        assert page.evaluate("typeof hacked") == "undefined"
        assert page.locator("main img, main script").count() == 0


def test_measures_follow_what_was_said_and_lead_to_the_candidates(
    address: str, visitor: Callable[..., Any], desk: Desk
) -> None:
    page = visitor().open(f"{address}/customer-service#measures")
    page.wait_for_selector("text=这段时间没有对话。")
    begun = desk.say("信用卡年费是多少？").conversation
    desk.say("能代收快递吗？", begun)
    desk.rate(begun, resolved=True, rating=4)
    desk.say("转人工")
    page.select_option("select >> nth=1", "7")
    page.wait_for_selector(".tile")
    told = {
        name: page.inner_text(f'[data-figure="{name}"] strong') for name in ("conversations", "contained", "rating")
    }
    assert told == {"conversations": "2", "contained": "50%", "rating": "4.0"}
    assert page.inner_text('[data-figure="handed_over"] span') == "转人工率"
    assert page.inner_text(".reasons li") == "客户要求 1 次"
    assert page.inner_text(".unanswered li") == "能代收快递吗？ 被问 1 次"
    page.select_option("select >> nth=0", "channel")
    page.wait_for_selector("tbody th >> text=网页")
    page.click("text=去写答案")
    page.wait_for_selector(".candidate")
    narrow = visitor(390).open(f"{address}/customer-service#measures")
    narrow.click("header >> text=English")
    narrow.wait_for_selector("text=Handed over")
    assert narrow.evaluate("document.documentElement.scrollWidth") == 390


def test_english_is_one_click_away_and_stays(address: str, visitor: Callable[..., Any]) -> None:
    guest = visitor()
    page = guest.open(address)
    page.click("header >> text=English")
    page.wait_for_selector("text=Hand-over queue")
    again = guest.open(address)
    again.wait_for_selector("text=Hand-over queue")
    assert again.title() == "Customer service · Feilun"
    assert again.locator("html").get_attribute("lang") == "en"


def test_a_token_opens_the_page_and_only_what_it_may(
    desk: Desk, visitor: Callable[..., Any], serving: Callable[..., Any]
) -> None:
    with desk.database.write() as connection:
        secret = tokens.create(connection, "web", ["predict"])

    def read() -> list[tokens.Token]:
        with desk.database.read() as connection:
            return tokens.valid(connection)

    app = with_console(with_customer_service(create_app, desk), "customer-service")
    with serving(app(Engine({}), None, Access(read, frozenset()))) as base:
        guest = visitor()
        page = guest.open(f"{base}/console")
        page.fill("input", "feilun_wrong")
        page.click("main button")
        assert "令牌不存在或已吊销" in page.locator(".notice.failed").inner_text()
        page.fill("input", secret)
        page.press("input", "Enter")
        page.wait_for_selector("nav a")
        assert page.locator("nav").inner_text() == "对话"
        say(page, "卡丢了怎么办")
        page.wait_for_selector(".turn.bot")
        assert page.locator(".trace").count() == 0
        assert secret not in page.evaluate("document.cookie + JSON.stringify([{...localStorage}, {...sessionStorage}])")
        page.click("text=退出")
        page.wait_for_selector("input[type=password]")


def test_a_service_that_is_gone_is_told_and_nothing_typed_is_lost(
    desk: Desk, visitor: Callable[..., Any], serving: Callable[..., Any]
) -> None:
    guest = visitor()
    with serving(with_console(with_customer_service(create_app, desk), "customer-service")(Engine({}))) as base:
        page = guest.open(f"{base}/console")
        page.wait_for_selector(".nothing")
        guest.context.set_offline(True)
        say(page, "卡丢了怎么办")
        page.wait_for_selector(".notice.failed")
        assert page.input_value("textarea") == "卡丢了怎么办"
        assert page.locator(".turn").count() == 0
        guest.context.set_offline(False)
        page.press("textarea", "Enter")
        page.wait_for_selector(".turn.bot")
