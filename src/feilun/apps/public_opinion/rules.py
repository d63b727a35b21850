"""What deserves an alarm: rules that a user writes in TOML, tried on the past before they are put to use."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

from feilun.apps.public_opinion.regions import region_name
from feilun.apps.public_opinion.toml_tables import no_table, numbered, read_file, read_tables
from feilun.core.errors import RecipeError, nearest
from feilun.core.remark import Remark, said_in
from feilun.core.settings import REQUIRED, setting

Metric = Literal["negative", "documents"]
Scope = tuple[str, str]
"""Source and region of series; an empty one stands for all together."""


@dataclass(frozen=True)
class Rule:
    """When an alarm is raised; a table `[[rule]]`."""

    name: str = setting(REQUIRED, "what the rule is called")
    metric: Metric = setting("negative", "what surges: negative documents, or all of them")
    topics: tuple[str, ...] = setting((), "only series of these topics; empty takes all")
    entities: tuple[str, ...] = setting((), "only series of these entities; empty takes all")
    sources: tuple[str, ...] = setting((), "a series of each of these sources; empty takes all sources together")
    regions: tuple[str, ...] = setting((), "a series of each of these regions; empty takes all regions together")
    p_value: float = setting(8e-4, "chance of so many documents below which they are a surge", above=0, below=1)
    minimum: int = setting(5, "smallest number of documents in a bucket", minimum=1)
    hours: tuple[int, ...] = setting((), "hours of the day, UTC, in which it is sent; empty takes all")
    channels: tuple[str, ...] = setting((), "names of the channels that are told")

    @property
    def scopes(self) -> list[Scope]:
        """Return the sources and regions whose series it looks at."""
        regions = [region_name(region) for region in self.regions]
        return list(product(self.sources or ("",), regions or ("",)))

    def covers(self, topic: str, entity: str) -> bool:
        """Return whether the rule looks at a series."""
        return (not self.topics or topic in self.topics) and (not self.entities or entity in self.entities)


KINDS_ZH = {"topic": "话题", "entity": "主体", "channel": "渠道"}

DEFAULT = (Rule("negative surge"),)


def read_rules(
    path: Path, topics: Collection[str], entities: Collection[str], channels: Collection[str] = ()
) -> tuple[Rule, ...]:
    """Read rules from a TOML file with tables `[[rule]]`.

    Args:
        path: The file.
        topics: Names of all topics.
        entities: Names of all entities.
        channels: Names of all channels.

    Raises:
        DataError: If it cannot be read.
        RecipeError: With every fault, unknown topics, entities and channels among them.
    """
    rules, found = read_tables(Rule, "rule", read_file(path, "rule"))
    faults: list[str] = [*found]
    for number, rule in rules.items():
        faults += _unknown(number, "topic", rule.topics, topics)
        faults += _unknown(number, "entity", rule.entities, entities)
        faults += _unknown(number, "channel", rule.channels, channels)
        hours = [hour for hour in rule.hours if not 0 <= hour < 24]
        faults += [numbered("rule", number, Remark(f"there is no hour {hour}.", f"没有 {hour} 点。")) for hour in hours]
    if faults or not rules:
        raise RecipeError(faults or [no_table("rule")], str(path))
    return tuple(rules.values())


def _unknown(number: int, kind: str, names: Sequence[str], known: Collection[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        if name not in known:
            hint = nearest(name, known)
            told = Remark(
                f"there is no {kind} {name!r}. {hint}", f"没有{KINDS_ZH[kind]} {name!r}。{said_in('zh', hint)}"
            )
            found.append(numbered("rule", number, told))
    return found
