"""A document, and how a record of any source becomes one: every fault is named before anything is kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feilun.apps.public_opinion.regions import region_name
from feilun.core.errors import DataError, UsageError
from feilun.core.remark import Remark, said_in
from feilun.monitoring.redaction import kept
from feilun.text.language import languages_of
from feilun.text.times import read_time

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
"""A document from before is one whose time was missing: 0 seconds are 1970."""

AHEAD_SECONDS = 600.0
"""How far the clock of a source may be ahead."""

MOST_CHARACTERS = 100_000
LONGEST_REGION = 80

SCRIPT = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)

NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "key", "guid", "document_id", "tweet_id", "编号"),
    "url": ("url", "link", "链接", "网址"),
    "author": ("author", "user", "作者"),
    "published": ("published", "published_at", "time", "date", "created_at", "发布时间", "时间"),
    "title": ("title", "headline", "标题"),
    "body": ("body", "text", "content", "正文", "内容"),
    "source": ("source", "media", "来源"),
    "region": ("region", "province", "country", "地区", "省份", "IP属地"),
}
"""Names under which sources give each field, the first that is there counts."""


class WrongDocument(DataError):
    """A record that is no document; it goes to the dead letters with this as the reason."""


@dataclass(frozen=True)
class Document:
    """A text that somebody published.

    Args:
        key: Names it for ever, also when it comes again.
        source: Who published it.
        url: Where it was published; empty where not known.
        author: Who wrote it; empty where not known.
        published: When it happened, seconds since 1970: the time by which it is counted.
        seen: When it came here, seconds since 1970.
        language: ISO 639-1; empty where it has no letters.
        title: Its title, personal data replaced.
        body: Its text, likewise.
        region: Where it is from, as `region_name` calls the place; empty where not known.
    """

    key: str
    source: str
    url: str
    author: str
    published: float
    seen: float
    language: str
    title: str
    body: str
    region: str = ""

    @property
    def text(self) -> str:
        """Return title and body as one text."""
        return "\n".join(part for part in (self.title, self.body) if part)

    @property
    def content(self) -> str:
        """Return a digest of what it says, by which the same document is told from another of the same key."""
        return hashlib.sha256(f"{self.title}\0{self.body}".encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Form:
    """How records are read.

    Args:
        columns: The column of a field where the source calls it by a name that is not known.
        zone: Time zone of moments that name none.
        publisher: Who published records that do not say it; empty takes the source's name.
        region: Where records are from that do not say it.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    zone: str = "Asia/Shanghai"
    publisher: str = ""
    region: str = ""

    def value(self, record: Mapping[str, Any], name: str) -> str:
        """Return a field of a record as text; empty where it is not there.

        Raises:
            WrongDocument: If it is a list or a table.
        """
        wanted = (self.columns[name],) if name in self.columns else NAMES[name]
        cells = (record.get(column) for column in wanted)
        found = next((cell for cell in cells if cell is not None and cell != ""), "")
        if isinstance(found, (list, dict)):
            kind = Remark("list", "列表") if isinstance(found, list) else Remark("table", "表")
            raise WrongDocument(
                Remark(f"Its {name} is a {kind}, not a text.", f"它的 {name} 是{said_in('zh', kind)}，不是文本。")
            )
        return str(found).strip()


def parse(record: Mapping[str, Any], source: str, seen: float, form: Form | None = None) -> Document:
    """Turn a record into a document.

    Args:
        record: Fields by name, as `NAMES` or the form's columns call them.
        source: Name of the source, where the record does not name its publisher.
        seen: Now, seconds since 1970.
        form: How records of this source are read.

    Returns:
        The document, tags, scripts and personal data removed.

    Raises:
        WrongDocument: If it has no text, too much of it, or no time that can be.
        UsageError: If the form's zone is unknown.
    """
    form = form or Form()
    title, body = (_clean(form.value(record, name), name) for name in ("title", "body"))
    if not title and not body:
        raise WrongDocument(
            Remark("The document has neither title nor body.", "文档既没有标题也没有正文。"),
            Remark(f"Valid: {', '.join(NAMES['body'])}.", f"可用的列：{'、'.join(NAMES['body'])}。"),
        )
    published = moment(form.value(record, "published"), seen, form.zone)
    publisher = kept(form.value(record, "source"))[:200] or form.publisher or source
    identity = form.value(record, "id") or form.value(record, "url")
    named = identity or f"{published}\0{title}\0{body}"
    key = hashlib.sha256(f"{publisher}\0{named}".encode("utf-8", "replace")).hexdigest()[:32]
    return Document(
        key=key, source=publisher, url=kept(form.value(record, "url")), author=kept(form.value(record, "author")),
        published=published, seen=seen, language=next(iter(languages_of([f"{title} {body}"])), ""),
        title=title, body=body, region=region_name(kept(form.value(record, "region") or form.region)[:LONGEST_REGION]),
    )  # fmt: skip


def moment(text: str, seen: float, zone_name: str) -> float:
    """Read when a document was published.

    Args:
        text: ISO 8601, `2026年11月24日 10:05`, or seconds, also with a fraction, or milliseconds since 1970.
        seen: Now, seconds since 1970.
        zone_name: The zone of a moment that names none.

    Returns:
        Seconds since 1970.

    Raises:
        WrongDocument: If there is none, it cannot be read, lies in the future, or before 1990.
        UsageError: If the zone is unknown.
    """
    if not text:
        raise WrongDocument(
            Remark("The document has no time.", "文档没有时间。"),
            Remark(
                f"Give one of {', '.join(NAMES['published'])}, or name its column.",
                f"请给出 {'、'.join(NAMES['published'])} 之一，或用 sources.columns 指明它的列。",
            ),
        )
    found = read_time(text)
    if found is None:
        raise WrongDocument(
            Remark(f"The time {text[:40]!r} cannot be read.", f"无法识别时间 {text[:40]!r}。"),
            Remark(
                "Valid: 2026-11-24T10:05+08:00, 2026年11月24日 10:05.",
                "可用的写法：2026-11-24T10:05+08:00、2026年11月24日 10:05。",
            ),
        )
    published = (found if found.tzinfo else found.replace(tzinfo=zone(zone_name))).timestamp()
    if published < EARLIEST:
        raise WrongDocument(
            Remark(
                f"The time {text[:40]!r} is before 1990: it was missing at its source.",
                f"时间 {text[:40]!r} 早于 1990 年：来源没有给出时间。",
            )
        )
    if published > seen + AHEAD_SECONDS:
        raise WrongDocument(
            Remark(f"The time {text[:40]!r} lies in the future.", f"时间 {text[:40]!r} 在将来。"),
            Remark(
                f"Times without zone count as {zone_name}: set the source's zone.",
                f"没有时区的时间按 {zone_name} 计：请设置来源的时区。",
            ),
        )
    return published


@lru_cache(maxsize=32)
def zone(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        UsageError: If there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            Remark(f"There is no time zone {name!r}.", f"没有时区 {name!r}。"),
            Remark("Such as Asia/Shanghai, UTC, America/New_York.", "例如 Asia/Shanghai、UTC、America/New_York。"),
        ) from error


def _clean(text: str, name: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise WrongDocument(
            Remark(
                f"Its {name} has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read.",
                f"它的 {name} 有 {len(text):,} 个字符；至多读 {MOST_CHARACTERS:,} 个。",
            )
        )
    return kept(SCRIPT.sub(" ", text))
