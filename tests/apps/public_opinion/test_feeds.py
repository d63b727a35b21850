"""Feeds over a real HTTP server: what is new is given once, and nothing else is ever asked."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from apps.public_opinion.made import NOW, made_intake
from apps.public_opinion.site import Site, gives, local, served
from feilun.apps.public_opinion.sources.feed import Feed
from feilun.apps.public_opinion.sources.fetching import Fetcher, NotFetched
from feilun.storage.database import open_database

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title><entry><id>a</id><title>Up</title>
<updated>2027-01-14T08:00:00Z</updated><content type="html">rose</content></entry></feed>"""


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as found:
        yield found


def test_what_is_new_is_given_once_and_an_unchanged_feed_is_not_sent_again(site: Site) -> None:
    feed = Feed(site.url(), local(), every=60, clock=lambda: clock[0])
    clock = [NOW]
    site.answer = gives(site.rss(1, 2), ETag='"v1"', Last_Modified="Thu, 14 Jan 2027 08:00:00 GMT")
    (batch,) = feed.read(None)
    (_, record), _ = batch.records
    assert record["title"] == "青禾汽车召回新车 1"
    assert (record["source"], record["published"]) == ("财闻", "2027-01-14T08:00:00+00:00")
    position = json.loads(json.dumps(batch.position))
    assert list(feed.read(position)) == []  # it is not yet time
    clock[0] += 61
    site.answer = gives(b"", 304)
    (batch,) = feed.read(position)
    assert batch.records == ()
    assert site.asked[-1][1]["If-None-Match"] == '"v1"'
    assert site.asked[-1][1]["If-Modified-Since"].startswith("Thu, 14 Jan")
    clock[0] += 61
    site.answer = gives(gzip.compress(site.rss(2, 3)), Content_Encoding="gzip")
    (batch,) = feed.read(batch.position)
    assert [one["id"] for _, one in batch.records] == ["3"]


@pytest.mark.parametrize(
    "body",
    [
        ATOM.encode(),
        json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "items": [
            {"id": "a", "title": "Up", "content_html": "rose", "date_published": "2027-01-14T08:00:00+00:00"}
        ]}).encode(),
    ],
)  # fmt: skip
def test_atom_and_json_feeds_say_the_same(site: Site, body: bytes) -> None:
    site.answer = gives(body)
    (batch,) = Feed(site.url(), local()).read(None)
    ((_, record),) = batch.records
    assert {name: record[name] for name in ("id", "title", "body", "source", "published")} == {
        "id": "a", "title": "Up", "body": "rose", "source": "Wire", "published": "2027-01-14T08:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize("written", ["big5", "gb18030", "utf-8"])
@pytest.mark.parametrize("said", [None, "big5", "gb2312", "utf-8"])
def test_a_chinese_feed_is_read_whatever_it_says_of_its_encoding(site: Site, written: str, said: str | None) -> None:
    title = "玉山銀行信用卡申請資格說明"
    declared = "" if said is None else f"<?xml version='1.0' encoding='{said}'?>"
    text = declared + site.rss(1).decode().replace("财闻", "財經").replace("青禾汽车召回新车", title)
    site.answer = gives(text.replace("刹车", "剎車").encode(written))
    (batch,) = Feed(site.url(), local()).read(None)
    assert (batch.records[0][1]["title"], batch.records[0][1]["source"]) == (f"{title} 1", "財經")


def test_a_feed_in_another_language_is_left_as_it_says(site: Site) -> None:
    text = "<?xml version='1.0' encoding='iso-8859-1'?>" + site.rss(1).decode().replace("财闻", "Société Générale")
    site.answer = gives(text.replace("青禾汽车召回新车", "Été").replace("刹车缺陷", "é").encode("latin-1"))
    (batch,) = Feed(site.url(), local()).read(None)
    assert (batch.records[0][1]["title"], batch.records[0][1]["source"]) == ("Été 1", "Société Générale")


def test_documents_of_a_feed_are_kept_once(site: Site, tmp_path: Any) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'o.db'}")
    intake = made_intake(database)
    site.answer = gives(site.rss(1, 2))
    taken = intake.take(Feed(site.url(), local(), clock=lambda: NOW))
    assert (taken.new, taken.dead) == (2, 0)
    taken = intake.take(Feed(site.url(), local(), clock=lambda: NOW + 1e6))
    assert (taken.new, taken.repeated) == (0, 0)
    database.close()


def test_the_text_of_the_page_takes_the_place_of_the_summary(site: Site) -> None:
    told = "青禾汽车今日宣布召回三万辆存在刹车缺陷的新车，并向车主致歉。" * 5
    page = f"<html><body><nav>menu</nav><article><p>{told}</p></article></body></html>".encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        gives(page if request.path.startswith("/page") else site.rss(1))(request)

    site.answer = answer
    (batch,) = Feed(site.url(), local(), bodies=True).read(None)
    assert "召回三万辆" in batch.records[0][1]["body"]
    assert "menu" not in batch.records[0][1]["body"]


def test_a_feed_that_fails_is_told_of_and_asked_ever_less_often(site: Site) -> None:
    site.answer = gives(b"", 503)
    position: Any = None
    waits = []
    for _ in range(3):
        now = (position or {}).get("again", NOW)
        (batch,) = Feed(site.url(), local(), every=60, clock=lambda now=now: now).read(position)
        assert "answered 503" in batch.dead[0].reason
        position = batch.position
        waits.append(position["again"] - now)
    assert waits == [120, 240, 480]
    site.answer = gives(b"", 429, Retry_After="7200")
    (batch,) = Feed(site.url(), local(), clock=lambda: NOW).read(None)
    assert batch.position["again"] == NOW + 7200
    site.answer = gives(b"", 429, Retry_After="9" * 30)
    (batch,) = Feed(site.url(), local(), clock=lambda: NOW).read(None)
    assert batch.position["again"] == NOW + 86_400


def test_a_clock_that_was_set_back_does_not_make_it_wait_for_years(site: Site) -> None:
    site.answer = gives(site.rss(1))
    (batch,) = Feed(site.url(), local(), clock=lambda: NOW).read(None)
    assert list(Feed(site.url(), local(), clock=lambda: NOW - 60).read(batch.position)) == []
    assert len(list(Feed(site.url(), local(), clock=lambda: NOW - 365 * 86_400).read(batch.position))) == 1


@pytest.mark.parametrize("packed", [True, False])
def test_a_feed_that_breaks_off_is_no_version_of_it(site: Site, packed: bool) -> None:
    whole = gzip.compress(site.rss(1, 2)) if packed else site.rss(1, 2)
    form = {"Content_Encoding": "gzip"} if packed else {"Content_Length": str(len(whole))}
    site.answer = gives(whole[:-9], ETag='"a"', **form)
    (batch,) = Feed(site.url(), local(), clock=lambda: NOW).read(None)
    assert "broke off" in batch.dead[0].reason
    site.answer = gives(whole, ETag='"a"', **form)
    (batch,) = Feed(site.url(), local(), clock=lambda: NOW + 7200).read(batch.position)
    assert len(batch.records) == 2
    assert "If-None-Match" not in site.asked[-1][1]


@pytest.mark.parametrize(
    "onward",
    ["http://169.254.169.254/latest/meta-data", "http://localhost/x", "file:///etc/passwd", "http://10.0.0.1/"],
)
def test_a_redirect_to_another_place_is_refused(site: Site, onward: str) -> None:
    site.answer = gives(b"", 302, Location=onward)
    with pytest.raises(NotFetched, match="refused"):
        local().get(site.url())
    assert len(site.asked) == 1


INSIDE = (
    "127.0.0.1 localhost 169.254.169.254 10.1.2.3 192.168.0.1 100.64.0.1 0.0.0.0 2130706433 224.0.0.1 "
    "[::1] [::ffff:127.0.0.1] [::ffff:10.0.0.1] [64:ff9b::a9fe:a9fe] [2002:7f00:1::] [fd00::1]"
)


@pytest.mark.parametrize("host", INSIDE.split())
def test_addresses_that_are_not_public_are_refused_although_they_are_listed(site: Site, host: str) -> None:
    port = site.address.rpartition(":")[2]
    with pytest.raises(NotFetched, match=r"is no public one|did not answer"):
        Fetcher((host.strip("[]"),)).get(f"http://{host}:{port}/feed")
    assert site.asked == []


def test_the_connection_goes_to_the_address_that_was_checked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that gives another address the second time is not asked a second time."""
    port = int(site.address.rpartition(":")[2])
    asked: list[str] = []

    def rebinding(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if host in {"feeds.example", "127.0.0.1"} else host
        assert host != "feeds.example" or asked.count("feeds.example") == 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    site.answer = gives(ATOM.encode())
    page = Fetcher(("feeds.example",), loopback=True).get(f"http://feeds.example:{port}/feed")
    assert page.body == ATOM.encode()
    assert site.asked[0][1]["Host"] == f"feeds.example:{port}"
    asked.clear()
    with pytest.raises(NotFetched, match="no public one"):
        Fetcher(("feeds.example",)).get(f"http://feeds.example:{port}/feed")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://user:word@127.0.0.1/", "http://elsewhere.example/", "x"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(NotFetched, match="refused"):
        local().get(url)


def test_a_bomb_and_an_endless_page_are_left(site: Site) -> None:
    site.answer = gives(gzip.compress(b"0" * (1 << 26)), Content_Encoding="gzip")
    with pytest.raises(NotFetched, match="more than"):
        local(most_bytes=1 << 20).get(site.url())

    def endless(begins: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.wfile.write(begins)
            with suppress(OSError):  # who asked has left
                while True:
                    request.wfile.write(b"x")
                    time.sleep(0.05)

        return answer

    head = b"HTTP/1.0 200 OK\r\n"
    for site.answer in (endless(head + b"\r\n"), endless(head + b"X-More: ")):
        began = time.monotonic()
        with pytest.raises(NotFetched, match=r"longer than|did not answer|broke off"):
            local(seconds=0.5).get(site.url())
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><body>no feed</body></html>", "neither RSS nor Atom"),
        (b"{broken", "no JSON feed"),
        (b'{"items": 3}', "no JSON feed"),
        (b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><rss><channel>&b;</channel></rss>', "declares entities"),
        (b"/etc/passwd", "neither RSS nor Atom"),
    ],
)
def test_what_is_no_feed_is_a_dead_letter(site: Site, body: bytes, said: str) -> None:
    site.answer = gives(body)
    (batch,) = Feed(site.url(), local()).read(None)
    assert said in batch.dead[0].reason
    assert batch.records == ()
