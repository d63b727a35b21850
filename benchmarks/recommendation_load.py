"""Lists of a large catalogue and events over HTTP, by open loads: how long each takes, and what it costs.

    python benchmarks/recommendation_load.py

100,000 made items and as many users; `feilun recommendation train` learns both stages and `serve` runs in a process of
its own with a database in a temporary folder. Then come lists of 20 of all items with the final ranking at 50 a second,
events at 500 a second, and both at once. Requests leave when they are due, by a Poisson process, whether or not earlier
ones were answered; latency counts from when one was due. An answer means that the event, or the record of the list, is
on the disk, so the time of one commit there is printed too. Take the latency of a quiet machine alone; the processor
time of the service stands beside other work too. --folder keeps the trained shop for the next run.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.interactions import Interactions
from recommendation_events import COMMAND, ROOT, Requests, event_of, send
from recommendation_speed import catalogue_of, fill, interactions_of
from serving import Offered, post, processor, resident, started

APPLICATION = """\
application = "recommendation"
name = "made"

[ranking]
held_out = 0.01
"""
"""Few users ask after so short a time, so that training takes a minute or two; lists cost as much as otherwise."""

TASTE = 0.7
"""Share of what users take that is of the one category they like, so that there is an order to learn."""

AIMS = {"lists": "p50 20, p99 60", "events": "p99 10"}


def list_for(users: int, name: str) -> Requests:
    """Return what makes the request for a list of 20; the users come at random, the same in each run of a name."""
    source = random.Random(name)
    return lambda host, _: post(host, f"{ROOT}/recommend", {"user": f"u{source.randrange(users)}", "count": 20})


def with_tastes(interactions: Interactions, catalogue: Catalogue, source: np.random.Generator) -> Interactions:
    """Return interactions of which a share went to items of one category a user, the first of them most."""
    category = np.array([own[0] for own in catalogue.categories])
    by_category = [np.flatnonzero(category == number) for number in range(len(catalogue.names))]
    liked = source.integers(0, len(catalogue.names), len(interactions.users))[interactions.user]
    sizes = np.array([len(own) for own in by_category])[liked]
    drawn = (sizes * source.random(len(interactions)) ** 3).astype(np.int64)
    mine = np.array([by_category[c][d] for c, d in zip(liked.tolist(), drawn.tolist(), strict=True)])
    return replace(interactions, item=np.where(source.random(len(interactions)) < TASTE, mine, interactions.item))


def made_shop(folder: Path, items: int, users: int, interactions: int) -> Path:
    """Fill a database and train, where the folder has none yet; return the application's file."""
    file = folder / "made.toml"
    if not file.exists():
        source, began = np.random.default_rng(13), time.perf_counter()
        catalogue = catalogue_of(items, source)
        taken = with_tastes(interactions_of(users, items, interactions, source), catalogue, source)
        fill(f"sqlite:///{folder / 'feilun.db'}", catalogue, taken)
        file.write_text(APPLICATION, encoding="utf-8")
        print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)
        began = time.perf_counter()
        subprocess.run([*COMMAND, "train", str(file)], check=True, capture_output=True)
        trees = (folder / "recommendation" / "made" / "ranking.txt").read_text(encoding="utf-8").count("Tree=")
        print(f"trained in {time.perf_counter() - began:.0f} s, {trees} trees", flush=True)
    return file


def commit_milliseconds(folder: Path, times: int = 50) -> float:
    """Return the median time of a durable transaction of SQLite on the disk of a folder, as Feilun commits."""
    connection, taken = sqlite3.connect(folder / "commit.db", isolation_level=None), []
    connection.execute("pragma journal_mode = truncate")
    connection.execute("pragma synchronous = full")
    connection.execute("create table if not exists t (x)")
    for _ in range(times):
        began = time.perf_counter()
        connection.execute("insert into t values (1)")
        taken.append(1000 * (time.perf_counter() - began))
    connection.close()
    return float(np.median(taken))


@contextmanager
def folder_of(kept: Path | None) -> Iterator[Path]:
    """Give the folder that is kept, or one for the length of a block."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def show(load: str, what: str, rate: float, found: Offered) -> None:
    """Print a row of the table."""
    p50, p99 = found.percentiles()
    print(f"| {load} | {what} | {rate:g} | {p50:.1f} | {p99:.1f} | {AIMS[what]} | {found.said()} |", flush=True)


def measure(address: str, process: int, chosen: argparse.Namespace) -> None:
    """Send the loads, one after the other, and print the table."""
    items, run = [str(i) for i in range(chosen.items)], f"{time.time():.0f}"
    rates = {"lists": chosen.lists, "events": chosen.events}

    def requests(what: str, name: str) -> Requests:
        return list_for(chosen.users, name) if what == "lists" else event_of(items, f"{name}{run}-")

    send(address, 3, (20, requests("lists", "warm")), (50, requests("events", "warm")))
    print("\n| load | what | a second | p50 ms | p99 ms | aim ms | statuses |\n|---|---|---|---|---|---|---|")
    cost = {}
    for what, rate in rates.items():
        before = processor(process)
        (found,) = send(address, chosen.seconds, (rate, requests(what, "alone")))
        cost[what] = 1000 * (processor(process) - before) / found.statuses.total()
        show("alone", what, rate, found)
    both = send(address, chosen.seconds, *((rate, requests(what, "both")) for what, rate in rates.items()))
    for (what, rate), found in zip(rates.items(), both, strict=True):
        show("both at once", what, rate, found)
    print(f"\n{cost['lists']:.1f} ms of processor a list, {cost['events']:.2f} ms an event; the service holds "
          f"{resident(process):,.0f} MB")  # fmt: skip


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=150_000)
    parser.add_argument("--lists", type=float, default=50, help="lists a second")
    parser.add_argument("--events", type=float, default=500, help="events a second")
    parser.add_argument("--seconds", type=float, default=15, help="of each load")
    parser.add_argument("--folder", type=Path, help="where the shop is kept")
    chosen = parser.parse_args()
    with folder_of(chosen.folder) as folder:
        os.environ["FEILUN_HOME"] = str(folder)
        file = made_shop(folder, chosen.items, chosen.users, chosen.interactions)
        server, address, ready = started([*COMMAND, "serve", str(file), "--port", "0"])
        try:
            print(f"ready after {ready:.0f} s; a commit on this disk takes {commit_milliseconds(folder):.1f} ms")
            measure(address, server.pid, chosen)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
