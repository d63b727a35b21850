"""What the tests of public opinion share: two companies, documents about them, and what reads them by rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from feilun.apps.public_opinion.gazetteer import Entity, Gazetteer
from feilun.apps.public_opinion.intake import Intake
from feilun.apps.public_opinion.readers import Apart
from feilun.apps.public_opinion.scheme import read_scheme
from feilun.apps.public_opinion.understanding import Understanding
from feilun.apps.public_opinion.wording import WordingRules
from feilun.storage.database import Database

NOW = 1_800_000_000.0
WIDTH = 3600

GAZETTEER = Gazetteer([
    Entity("青禾汽车", aliases=("Qinghe Auto",), codes=("QHAU",), ambiguous=("青禾",), context=("新车", "车主")),
    Entity("Northlake Bank", codes=("CAT",), ambiguous=("Northlake",), context=("lender",)),
])  # fmt: skip


def understanding() -> Understanding:
    return Understanding(Apart(WordingRules(), read_scheme()), GAZETTEER, read_scheme())


def made_intake(database: Database, **settings: Any) -> Intake:
    return Intake(database, understanding(), width=WIDTH, clock=lambda: NOW, **settings)


def record(number: int, text: str = "青禾汽车召回新车", time: float = NOW - 86_400) -> dict[str, Any]:
    return {"id": str(number), "text": text, "time": str(int(time)), "source": "财闻"}


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    return path
