"""Trends asked of very many documents: made ones in SQLite, the queries of the service, and what retention removes.

    python benchmarks/opinion_scale.py [--documents 1000000] [--days 365] [--folder /tmp]

Documents of a year about 300 companies (the k-th named as often as 1 / k), of 22 topics and 50 sources, are written
with their numbers as the product writes them, without reading them by models. Then trends of a week to a year are asked
of the service within this process, by company and by topic, of one source, and companies compared, each several times
in mixed order: processor time and wall time of a query, median and 95th percentile. At last half of the year is removed
as retention does. The database is deleted in the end.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.intake import WIDTH
from feilun.apps.public_opinion.scheme import read_scheme
from feilun.apps.public_opinion.trends import Counted
from feilun.apps.public_opinion.understanding import Analysis
from feilun.interfaces.http.app import create_app
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage import opinion, opinion_counts, opinion_retention
from feilun.storage.database import Database, open_database

HOUR, DAY = 3_600, 86_400
BEGIN = 20_000 * DAY
COMPANIES, SOURCES = 300, 50
WRITTEN_AT_ONCE = 5_000
PHRASES = (
    "净利润同比增长",
    "宣布召回",
    "被监管部门约谈",
    "新品发布",
    "股东减持",
    "订单超出预期",
    "高管离职",
    "启动回购",
)
SENTIMENTS = ("negative", "neutral", "positive")
QUERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "companies, 7 days": ("trends", {"days": 7}),
    "companies, 14 days": ("trends", {"days": 14}),
    "companies, 30 days": ("trends", {"days": 30}),
    "companies, 90 days": ("trends", {"days": 90}),
    "companies, all": ("trends", {}),
    "companies of a topic, 90 days": ("trends", {"days": 90, "topic": "earnings"}),
    "topics, 7 days": ("trends", {"days": 7, "by": "topic"}),
    "topics, 90 days": ("trends", {"days": 90, "by": "topic"}),
    "topics, all": ("trends", {"by": "topic"}),
    "companies of a source, 90 days": ("trends", {"days": 90, "source": "source 7"}),
    "three companies, 14 days": ("compare", {"days": 14, "entity": ["company 1", "company 9", "company 80"]}),
    "three companies, all": ("compare", {"entity": ["company 1", "company 9", "company 80"]}),
}


def made(count: int, days: int) -> Iterator[tuple[dict[str, Any], Counted]]:
    """Yield documents in the order of their times, each as a row and as what is counted of it."""
    drawn = random.Random(0)
    companies = [f"company {number}" for number in range(1, COMPANIES + 1)]
    often = [1 / number for number in range(1, COMPANIES + 1)]
    topics = read_scheme().names
    for number in range(count):
        published = BEGIN + (number + drawn.random()) * days * DAY / count
        named = dict.fromkeys(drawn.choices(companies, often, k=drawn.choice((1, 1, 1, 2))))
        sentiment = drawn.choice(SENTIMENTS)
        analysis = Analysis(
            sentiment, 0.9, tuple(drawn.sample(topics, drawn.choice((0, 1, 1, 2)))),
            tuple((name, drawn.choice(SENTIMENTS)) for name in named), "",
        )  # fmt: skip
        key, source = f"{number:032x}", f"source {drawn.randrange(SOURCES)}"
        first = number < 10 or drawn.random() < 0.6
        story = key if first else f"{number - drawn.randrange(1, 10):032x}"
        row = {
            "key": key, "content": key, "source": source, "url": "", "author": "", "published": published,
            "seen": published, "language": "zh", "title": f"{' '.join(named)} {drawn.choice(PHRASES)}",
            "body": "，".join(drawn.choices(PHRASES, k=12)), "story": story, "sentiment": sentiment,
            "analysis": analysis.to_json(),
        }  # fmt: skip
        yield row, Counted(published, source, analysis, first)


def write(database: Database, count: int, days: int) -> None:
    """Write documents with their numbers, and show how many a second."""
    began, used = time.perf_counter(), 0.0
    pieces: list[tuple[dict[str, Any], Counted]] = []

    def flush() -> float:
        start = time.process_time()
        with database.write() as connection:
            opinion.add(connection, [row for row, _ in pieces])
            opinion_counts.count(connection, trends.cells((one for _, one in pieces), HOUR))
            opinion.save_position(connection, WIDTH, HOUR)
        pieces.clear()
        return time.process_time() - start

    for one in made(count, days):
        pieces.append(one)
        if len(pieces) == WRITTEN_AT_ONCE:
            used += flush()
    used += flush()
    print(
        f"{count:,} documents of {days} days written: {count / used:,.0f} a second of processor time, "
        f"{time.perf_counter() - began:,.0f} s on the clock with making them"
    )


def ask(database: Database, times: int) -> None:
    """Show how long queries take."""
    asked = [name for name in QUERIES for _ in range(times)]
    random.Random(1).shuffle(asked)
    took: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with TestClient(create_app(Engine({}), FeedbackDesk(ObservationLog(database), lambda _: ()))) as client:
        for name in asked:
            address, values = QUERIES[name]
            wall, used = time.perf_counter(), time.process_time()
            answer = client.get(f"/v1/apps/public-opinion/{address}", params=values)
            took[name].append((time.process_time() - used, time.perf_counter() - wall))
            assert answer.status_code == 200, answer.text
    print("| query | processor ms, median | 95 % | clock ms, median | 95 % |\n| --- | --- | --- | --- | --- |")
    took["all together"] = [one for figures in took.values() for one in figures]
    for name, figures in took.items():
        median, late = np.percentile(1_000 * np.array(figures), (50, 95), axis=0)
        print(f"| {name} | {median[0]:.0f} | {late[0]:.0f} | {median[1]:.0f} | {late[1]:.0f} |", flush=True)


def retain(database: Database, days: int) -> None:
    """Remove the first half of the days, and show how fast and that their numbers by day stay."""
    with database.read() as connection:
        before = trends.trends(connection, HOUR, topic="", entity="")[0].documents.sum()
    used, removed, part = time.process_time(), 0, opinion_retention.REMOVED_AT_ONCE
    while part == opinion_retention.REMOVED_AT_ONCE:
        with database.write() as connection:
            horizon = opinion_retention.move_horizon(connection, BEGIN + days * DAY / 2)
            part = opinion_retention.remove_before(connection, horizon)
        removed += part
    used = time.process_time() - used
    with database.read() as connection:
        after = opinion_counts.daily_counts(connection, topic="", entity="")
    assert sum(row.documents for row in after) == before
    print(f"{removed:,} documents removed: {removed / used:,.0f} a second of processor time; the numbers by day stay")


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--times", type=int, default=20, help="how often each query is asked")
    parser.add_argument("--folder", type=Path, help="where the database is made; else where temporary files are")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "documents.db"
        database = open_database(f"sqlite:///{path}")
        try:
            write(database, options.documents, options.days)
            print(f"{path.stat().st_size / 1e6:,.0f} MB")
            ask(database, options.times)
            retain(database, options.days)
        finally:
            database.close()


if __name__ == "__main__":
    main()
