"""The page of public opinion in a real browser: trends, incidents, documents, corrections; texts stay texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_opinion import BAD, QUIET_DAYS, ran, service

from feilun.serving.access import Access
from feilun.storage import opinion, opinion_counts, tokens
from feilun.storage.tables.public_opinion import opinion_documents, opinion_incidents
from feilun.workflow.applications.public_opinion.wiring import Application

pytestmark = pytest.mark.slow

ATTACK = "<script>hacked = 1</script><img src=x onerror='hacked = 1'>"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with ran(tmp_path_factory.mktemp("opinion")) as made:
        yield made


@pytest.fixture
def address(application: Application, serving: Callable[..., Any]) -> Iterator[str]:
    with serving(service(application)) as base:
        yield f"{base}/console/public-opinion"


def test_a_trend_leads_to_the_documents_behind_it(address: str, visitor: Callable[..., Any]) -> None:
    page = visitor(390).open(address)
    page.wait_for_selector("figure:nth-of-type(2) path.series")
    assert page.locator("figure").first.locator("path.series").count() == 2
    assert page.locator("rect.band").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    row = page.locator("tr", has_text="青禾汽车")
    number = int(row.locator("td").nth(2).inner_text())
    row.locator("input").uncheck()
    row.locator(".color--1").wait_for()
    assert page.locator("path.series").count() == 2
    row.locator("a").first.click()
    page.wait_for_selector(".document")
    assert page.locator(".document").count() == min(number, 50)
    page.go_back()
    page.wait_for_selector("path.series")
    page.locator("figure >> a").last.evaluate("point => location.hash = point.getAttribute('href')")
    page.wait_for_selector(".document")


def test_a_region_is_chosen_and_goes_along_to_its_documents(address: str, visitor: Callable[..., Any]) -> None:
    page = visitor(390).open(address)
    page.wait_for_selector("tr:has-text('青禾汽车')")
    page.locator("label:has(span:text-is('地区')) select").select_option("香港")
    page.wait_for_selector("tr:has-text('青禾汽车')", state="detached")
    assert page.locator("tbody tr").count() == 1
    page.locator("tr", has_text="Northlake Bank").locator("a").first.click()
    page.wait_for_selector(".document")
    assert page.locator("label:has(span:text-is('地区')) select").input_value() == "香港"
    told = page.locator(".document .facts").all_inner_texts()
    assert all("香港" in one for one in told)
    assert len(told) == min(50, QUIET_DAYS * 24 // 16)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_what_is_said_by_source_and_by_region_leads_to_its_documents(address: str, visitor: Callable[..., Any]) -> None:
    page = visitor().open(address)
    page.wait_for_selector("tr:has-text('青禾汽车')")
    by = "label:has(span:text-is('按')) select"
    page.locator(by).select_option("region")
    page.wait_for_selector("tbody tr:has-text('香港')")
    assert page.locator("thead").inner_text().startswith("\t地区")
    page.locator(by).select_option("source")
    page.wait_for_selector("tbody tr:has-text('香港')", state="detached")
    row = page.locator("tbody tr").first
    source = row.locator("td").nth(1).inner_text().strip()
    row.locator("a").first.click()
    page.wait_for_selector(".document")
    told = page.locator(".document .facts").all_inner_texts()
    assert told
    assert all(source in one for one in told)


def test_an_incident_shows_its_cause_and_people_act_on_it(
    address: str, visitor: Callable[..., Any], application: Application
) -> None:
    page = visitor().open(f"{address}#incidents")
    page.locator(".row").click()
    page.wait_for_selector(".document")
    assert page.locator(".document").count() == BAD
    assert "刹车缺陷" in page.locator(".stories").inner_text()
    page.click(".detail >> text=确认")
    page.wait_for_selector(".detail .badge >> text=已确认")
    with application.database.read() as connection:
        assert [row.state for row in opinion.incidents(connection)] == ["acknowledged"]
    page.click(".detail dl a")
    page.wait_for_selector(".controls .badge")
    page.wait_for_selector(".document")
    assert page.locator(".document").count() == BAD


def test_a_document_is_corrected(address: str, visitor: Callable[..., Any], application: Application) -> None:
    page = visitor().open(f"{address}#documents?sentiment=negative")
    first = page.locator(".document").first
    first.locator("text=更正").click()
    first.locator("select").first.select_option("neutral")
    first.locator("label", has_text="质量召回").locator("input").uncheck()
    first.locator("text=保存").click()
    page.wait_for_selector(".notice.done")
    assert "中性" in first.locator(".badge").first.inner_text()
    with application.database.read() as connection:
        (kept,) = opinion.corrections(connection)
    assert (kept.before["analysis"]["sentiment"], kept.after["analysis"]["sentiment"]) == ("negative", "neutral")
    assert "quality" in kept.before["analysis"]["topics"]
    assert "quality" not in kept.after["analysis"]["topics"]


def test_a_documents_company_and_story_are_put_right(
    address: str, visitor: Callable[..., Any], application: Application
) -> None:
    page = visitor(390).open(f"{address}#documents?words={BAD - 1}")
    first = page.locator(".document", has_text=f"车主投诉 {BAD - 1}").first
    first.locator("text=更正").click()
    form = first.locator(".correction")
    form.locator("label", has_text="青禾汽车").locator("input").uncheck()
    form.locator("[list]").fill("Northlake Bank")
    form.locator("[list]").press("Tab")
    form.locator("label", has_text="Northlake Bank").wait_for()
    form.locator("[type=search]").fill("第 16 次例会")
    form.locator("[type=search]").press("Tab")
    form.locator("text=找到 1 篇").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    with application.database.read() as connection:
        before = len(opinion.corrections(connection))
    form.locator("text=保存").click()
    page.wait_for_selector(".notice.done")
    assert "Northlake Bank" in first.locator(".badges").inner_text()
    assert "青禾汽车" not in first.locator(".badges").inner_text()
    with application.database.read() as connection:
        *_, kept = opinion.corrections(connection)
        (row,) = opinion.documents(connection, keys=[kept.document])
        (target,) = (one for one in opinion.documents(connection) if one.title.endswith("召开第 16 次例会"))
        assert len(opinion.corrections(connection)) > before
    assert row.story == target.story
    assert [name for name, _ in row.analysis["entities"]] == ["Northlake Bank"]


def test_markup_in_documents_is_text_and_only_addresses_of_the_web_are_links(
    address: str, visitor: Callable[..., Any], application: Application
) -> None:
    with application.database.write() as connection:
        row = list(opinion.documents(connection))[-1]
        evil = {"title": f"刹车{ATTACK}", "body": ATTACK, "source": ATTACK, "url": "javascript:hacked=1"}
        connection.execute(opinion_documents.update().where(opinion_documents.c.key == row.key).values(**evil))
    page = visitor().open(f"{address}#documents")
    first = page.locator(".document").first
    assert ATTACK in first.locator("h2").inner_text()
    assert first.locator("h2 a").count() == 0
    first.locator("summary").click()
    assert first.locator(".body").inner_text() == ATTACK
    assert page.locator(".document >> nth=1 >> h2 a").get_attribute("href") == "https://example.org/a"
    page.wait_for_timeout(300)
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("main img, main script").count() == 0


def test_whoever_may_only_read_gets_no_button_to_act(
    visitor: Callable[..., Any], application: Application, serving: Callable[..., Any]
) -> None:
    with application.database.write() as connection:
        secret = tokens.create(connection, "reader", ["predict"])

    def read() -> list[tokens.Token]:
        with application.database.read() as connection:
            return tokens.valid(connection)

    with serving(service(application, Access(read, frozenset()))) as base:
        page = visitor().open(f"{base}/console/public-opinion#incidents")
        page.fill("input", secret)
        page.click("main button")
        page.locator(".row").click()
        page.wait_for_selector(".document")
        assert page.locator(".acts button").count() == 0


def test_nothing_to_show_is_said(tmp_path: Path, visitor: Callable[..., Any], serving: Callable[..., Any]) -> None:
    with ran(tmp_path) as application:
        with application.database.write() as connection:
            opinion_counts.forget_counts(connection)
            connection.execute(opinion_incidents.delete())
            connection.execute(opinion_documents.delete())
        with serving(service(application)) as base:
            guest = visitor(390)
            for part in ("trends", "incidents", "documents"):
                page = guest.open(f"{base}/console/public-opinion#{part}")
                assert page.wait_for_selector(".nothing").inner_text().strip()
                assert page.locator(".row, .document, canvas").count() == 0
