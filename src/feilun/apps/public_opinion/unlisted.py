"""Names that the tagger found and no list has: counted, and offered to a person for the list of entities."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from feilun.apps.public_opinion.gazetteer import Gazetteer, read_gazetteer
from feilun.apps.public_opinion.understanding import Analysis
from feilun.core.errors import FeilunError, UsageError, nearest
from feilun.core.files import write_text
from feilun.core.remark import Remark
from feilun.knowledge.mentions import Mention
from feilun.storage import opinion

EXAMPLES = 3
"""Titles that are shown of a name."""


@dataclass(frozen=True)
class Unlisted:
    """A name that no list has.

    Args:
        name: Under which it is counted.
        kind: What the tagger takes it for most often.
        documents: Documents that name it.
        stories: How many stories they tell.
        titles: Of some of them, the latest first.
    """

    name: str
    kind: str
    documents: int
    stories: int
    titles: tuple[str, ...]


def unlisted(connection: Connection, gazetteer: Gazetteer, since: float | None = None) -> list[Unlisted]:
    """Return the names that documents have and the list of entities has not, those of the most stories first.

    Args:
        connection: A transaction.
        gazetteer: The list as it is now, with the names that are to be ignored.
        since: Only of documents from this second on.
    """
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    stories: dict[str, set[str]] = defaultdict(set)
    titles: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=EXAMPLES))
    for row in opinion.documents(connection, since=since):
        for name, kind in Analysis.from_json(row.analysis).unlisted:
            kinds[name][kind] += 1
            stories[name].add(row.story)
            titles[name].appendleft(row.title or row.body[:80])
    found = [
        Unlisted(name, own.most_common(1)[0][0], own.total(), len(stories[name]), tuple(titles[name]))
        for name, own in kinds.items()
        if _is_new(name, gazetteer)
    ]
    return sorted(found, key=lambda one: (-one.stories, -one.documents, one.name))


def add_to_list(path: Path, known: list[Unlisted], approved: list[str], ignored: list[str]) -> None:
    """Write names into the file of entities: approved ones as entities of their own, others to be ignored from now on.

    Args:
        path: The file; what stands in it stays as it is.
        known: The names that are offered.
        approved: Names among them that are entities.
        ignored: Names among them that are none.

    Raises:
        UsageError: If a name is not offered, or both approved and ignored.
        FeilunError: If the file would not be valid afterwards; it stays as it was.
    """
    offered = {one.name: one for one in known}
    for name in (*approved, *ignored):
        if name not in offered:
            raise UsageError(
                Remark(f"The tagger found no name {name!r}.", f"标注模型没有找到名称 {name!r}。"),
                nearest(name, offered) if offered else Remark("None is offered.", "目前没有候选名称。"),
            )
    if both := sorted({*approved} & {*ignored}):
        raise UsageError(
            Remark(f"{both[0]!r} is both approved and ignored.", f"{both[0]!r} 既批准又忽略。"),
            Remark("Name it once.", "请只写一次。"),
        )
    before = path.read_text(encoding="utf-8-sig")
    added = "".join(
        [
            f"\n[[entity]]\nname = {_quoted(name)}\nkind = {_quoted(offered[name].kind)}\n"
            for name in dict.fromkeys(approved)
        ]
        + [f"\n[[ignored]]\nname = {_quoted(name)}\n" for name in dict.fromkeys(ignored)]
    )
    write_text(path, before.rstrip("\n") + "\n" + added)
    try:
        read_gazetteer(path)
    except FeilunError:
        write_text(path, before)
        raise


def _is_new(name: str, gazetteer: Gazetteer) -> bool:
    placed = gazetteer.placed(Mention(0, len(name), "", name, "model"))
    return placed is not None and placed.by == "model"


def _quoted(text: str) -> str:
    """Return a text as TOML writes it: as JSON does, but for a character of control that TOML wants escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
