"""RSS, Atom and JSON feeds, asked again and again: only what is new in them is given."""

from __future__ import annotations

import hashlib
import io
import json
import re
import time
from calendar import timegm
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.sources.fetching import Fetcher, NotFetched, Page
from feilun.apps.public_opinion.sources.source import Batch, Letter
from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark
from feilun.text.chinese_bytes import decode, is_chinese

REMEMBERED = 1_000
"""Latest entries of a feed that are known to have been given."""

MOST_CHARACTERS = 4_000_000
"""Characters of texts after which a batch ends: pages of many entries do not fill the memory."""

DECLARATION = re.compile(rb"\s*<\?xml[^>]*?(?:encoding\s*=\s*[\"']([\w-]+)[^>]*)?\?>")
MISNAMED = frozenset({"", "utf-8", "gb2312", "gbk", "gb18030", "big5", "big5-hkscs"})
"""What Chinese feeds call their encoding, rightly or not."""

NOTHING_KNOWN: Mapping[str, Any] = {"etag": "", "modified": "", "seen": [], "failures": 0, "again": 0.0}
"""The position before everything."""

LONGEST_WAIT = 86_400.0
"""Most seconds until a feed that failed is asked again, whatever its server says."""


@dataclass(frozen=True)
class Feed:
    """A feed.

    Args:
        url: Its address.
        fetcher: Fetches it.
        form: How its records are read.
        every: Seconds after which it is asked again; after failures twice as long each time.
        bodies: Fetch the page of each entry and take its text in place of the feed's summary.
        clock: Gives the time now, seconds since 1970.
    """

    url: str
    fetcher: Fetcher
    form: Form = field(default_factory=Form)
    every: float = 300.0
    bodies: bool = False
    clock: Callable[[], float] = time.time

    @property
    def name(self) -> str:
        """Return the name of its saved position: short, however long its address is."""
        digest = hashlib.sha256(self.url.encode("utf-8", "replace")).hexdigest()
        return f"feed:{(urlsplit(self.url).hostname or '')[:200]}:{digest[:16]}"

    def read(self, position: Any) -> Iterator[Batch]:
        """Yield the entries that were not given before, where it is time to ask again.

        A feed that is refused or does not answer gives a dead letter with the reason, and is asked again later.
        """
        if not self.is_due(position):
            return
        known, now = {**NOTHING_KNOWN, **(position or {})}, self.clock()
        try:
            page = self.fetcher.get(self.url, known["etag"], known["modified"])
            records = self._records(page) if page.changed else []
        except NotFetched as error:
            failures = known["failures"] + 1
            wait = min(LONGEST_WAIT, max(error.retry_after, self.every * 2.0 ** min(failures, 20)))
            yield Batch((), {**known, "failures": failures, "again": now + wait}, (Letter(self.url, str(error), ""),))
            return
        seen = set(known["seen"])
        fresh = [(mark, record) for record in records if (mark := _mark(record)) not in seen]
        rows: list[tuple[str, Mapping[str, Any]]] = []
        marks = list(known["seen"])
        for mark, record in fresh:
            if sum(len(str(one["body"])) for _, one in rows) > MOST_CHARACTERS:
                # without the marks of the server's version: until all of it is kept it is asked for whole
                yield Batch(tuple(rows), {**known, "seen": marks[-REMEMBERED:]})
                rows = []
            rows.append((self.url, self._with_body(record)))
            marks.append(mark)
        yield Batch(tuple(rows), {
            "etag": page.etag, "modified": page.modified, "seen": marks[-REMEMBERED:], "failures": 0,
            "again": now + self.every,
        })  # fmt: skip

    def is_due(self, position: Any) -> bool:
        """Return whether it is time to ask the feed again."""
        again, now = (position or {}).get("again", 0.0), self.clock()
        return not now < again <= now + LONGEST_WAIT  # further away it is where the clock was set back

    def _records(self, page: Page) -> list[dict[str, Any]]:
        if page.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return _json_feed(page)
        return _xml_feed(page)

    def _with_body(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return an entry with the text of its page, where that is wanted and there is one."""
        if not self.bodies or not record.get("url"):
            return dict(record)
        try:
            import trafilatura
        except ImportError as error:
            raise MissingExtra(
                "trafilatura", "public-opinion", Remark("Reading the pages of a feed", "读取订阅源的网页")
            ) from error
        try:
            page = self.fetcher.get(str(record["url"]))
        except NotFetched:
            return dict(record)  # the feed's own words are better than none
        text = trafilatura.extract(page.body, url=None, include_comments=False)
        return {**record, "body": text or record["body"]}


def _xml_feed(page: Page) -> list[dict[str, Any]]:
    """Read RSS or Atom; nothing that it names is fetched, and documents that declare entities are refused."""
    try:
        import feedparser
    except ImportError as error:
        raise MissingExtra("feedparser", "public-opinion", Remark("Reading feeds", "读取订阅源")) from error
    if b"<!ENTITY" in page.body.replace(b"\0", b""):
        raise NotFetched(
            Remark(f"{page.url} declares entities.", f"{page.url} 声明了 XML 实体。"),
            Remark("No feed needs them; it is refused.", "订阅源用不到它们，因此拒绝读取。"),
        )
    parsed = feedparser.parse(io.BytesIO(_as_utf8(page.body)))
    if not parsed.version:
        raise NotFetched(
            Remark(
                f"{page.url} is neither RSS nor Atom nor a JSON feed.", f"{page.url} 不是 RSS、Atom 或 JSON 订阅源。"
            ),
            Remark("Give the address of a feed.", "请给出订阅源的地址。"),
        )
    source = parsed.feed.get("title", "")
    found = []
    for entry in parsed.entries:
        told = next((part["value"] for part in entry.get("content", ()) if part.get("value")), entry.get("summary", ""))
        moment = entry.get("published_parsed") or entry.get("updated_parsed")
        found.append({
            "id": entry.get("id") or entry.get("link", ""), "url": entry.get("link", ""), "source": source,
            "author": entry.get("author", ""), "title": entry.get("title", ""), "body": told,
            "published": datetime.fromtimestamp(timegm(moment), UTC).isoformat() if moment else "",
        })  # fmt: skip
    return found


def _as_utf8(body: bytes) -> bytes:
    """Return XML in UTF-8 where it is Chinese in another encoding, whatever it says that it is."""
    declaration = DECLARATION.match(body)
    said = (declaration[1] or b"").decode().lower() if declaration else ""
    found = decode(body, "big5" if said.startswith("big5") else "gb18030") if said in MISNAMED else None
    if found is None or found[1] == "utf-8" or not is_chinese(found[0]):
        return body
    return DECLARATION.sub(b"", found[0].encode(), count=1)


def _json_feed(page: Page) -> list[dict[str, Any]]:
    """Read a JSON Feed (jsonfeed.org, version 1.1)."""
    try:
        value = json.loads(page.body)
        items = value["items"]
        return [
            {
                "id": str(item.get("id") or item.get("url", "")), "url": item.get("url", ""),
                "source": value.get("title", ""), "title": item.get("title", ""),
                "author": ", ".join(one.get("name", "") for one in item.get("authors") or ()),
                "body": item.get("content_text") or item.get("content_html") or item.get("summary", ""),
                "published": item.get("date_published", ""),
            }
            for item in items
        ]  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotFetched(
            Remark(f"{page.url} is no JSON feed.", f"{page.url} 不是 JSON 订阅源。"),
            Remark("Valid: jsonfeed.org, version 1.1.", "格式应为 jsonfeed.org 1.1 版。"),
        ) from error


def _mark(record: Mapping[str, Any]) -> str:
    """Return a digest of an entry: the same one with another text counts as new."""
    told = "\0".join(str(record[name]) for name in ("id", "title", "body"))
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]
