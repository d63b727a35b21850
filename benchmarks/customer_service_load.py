"""Customer service under load: turns over HTTP at a fixed rate, sockets that stay open, and what many entries take.

    python benchmarks/customer_service_load.py speed --data ../shared/data --embedder BUNDLE --entries 10000
    python benchmarks/customer_service_load.py speed --data ../shared/data --embedder made --entries 100000
    python benchmarks/customer_service_load.py cost --data ../shared/data --embedder made --entries 10000
    python benchmarks/customer_service_load.py open --data ../shared/data --sockets 500

Entries are different sentences of Chinese data sets; turns come at a fixed rate, whether or not the former were
answered. With the embedder `made` each text has a random vector, the same whenever it comes again: searching takes as
long as with real ones, and reading the question is left out. `cost` counts processor time, which says something on a
busy machine too. `open` holds a conversation on each of many WebSockets.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import resource
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from cProfile import Profile
from hashlib import sha256
from pathlib import Path
from pstats import Stats
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import uvicorn
from numpy.typing import NDArray
from websockets.asyncio.client import connect

from customer_service import SETTINGS, calibrated, embedder
from feilun.apps.customer_service.business_rules import OUTPUTS, BusinessRules
from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.finding.held_out import Thresholds
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.ladder import Ladder
from feilun.core.corpus import Corpus
from feilun.core.ports import Embedder
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.customer_service import with_customer_service
from feilun.knowledge.rules import DecisionTables
from feilun.serving.engine import Engine
from feilun.storage.database import open_database
from feilun.workflow.service import listen

SOURCES = (
    ("bq_corpus", ("sentence1", "sentence2")), ("lcqmc", ("sentence1", "sentence2")), ("thucnews_titles", ("text",)),
    ("tnews", ("text",)), ("waimai_10k", ("text",)), ("online_shopping_10_cats", ("text",)),
    ("smp2020_covid_weibo", ("text",)), ("zh_financial_news", ("text",)), ("zh_car_opinion", ("text",)),
)  # fmt: skip
"""Chinese texts, a bank's questions first."""

WIDTH = 384
WARM_UP = 20
QUESTIONS = 500
"""Texts that are asked, none of them an entry."""

ADDRESS = "/v1/apps/customer-service"


class MadeVectors:
    """Gives each text a random vector that follows from it."""

    def embed(self, corpus: Corpus) -> NDArray[np.float32]:
        """Return a vector for each text, shape (rows, width)."""
        seeds = (int.from_bytes(sha256(text.encode()).digest()[:8], "big") for text in corpus.text)
        return np.stack([np.random.default_rng(seed).standard_normal(WIDTH, np.float32) for seed in seeds])


def speed(data: Path, model: Embedder, count: int, rate: float, seconds: float) -> None:
    """Print how long indexing takes, when an update is seen, and the latency of turns over HTTP at a fixed rate."""
    library, asked = _library(data, model, count)
    start = time.perf_counter()
    library.change([FaqEntry("new", "云溪银行代收快递吗", "不代收。")])
    hits = library.question("云溪银行代收快递吗", library.embed("云溪银行代收快递吗"))
    print(f"an update is seen after {time.perf_counter() - start:.3f} s: {hits is not None and 'new' in hits.ids}")

    async def turns(address: str) -> list[float]:
        async with httpx.AsyncClient(timeout=60) as client:

            async def ask(number: int) -> None:
                answer = await client.post(address, json={"text": asked[number % len(asked)]})
                answer.raise_for_status()

            return await _at_rate(ask, rate, seconds)

    with _served(library) as base:
        _print_latency(asyncio.run(turns(f"http://{base}{ADDRESS}/turns")), rate)


def many_open(data: Path, model: Embedder, count: int, sockets: int, rate: float, seconds: float) -> None:
    """Print the latency of turns that go round many open sockets, each with a conversation of its own."""
    library, asked = _library(data, model, count)

    async def turns(address: str) -> list[float]:
        opened = [await connect(address, open_timeout=60) for _ in range(sockets)]

        async def ask(number: int) -> None:
            socket = opened[number % sockets]
            await socket.send(json.dumps({"text": asked[number % len(asked)]}))
            while json.loads(await socket.recv())["event"] != "reply":
                pass

        taken = await _at_rate(ask, rate, seconds)
        for socket in opened:
            await socket.close()
        return taken

    with _served(library) as base:
        _print_latency(asyncio.run(turns(f"ws://{base}{ADDRESS}/socket")), rate)


def _library(data: Path, model: Embedder, count: int) -> tuple[Library, Sequence[str]]:
    """Return a library of entries, and questions that are none of them."""
    texts = _texts(data, count + QUESTIONS)
    start, busy = time.perf_counter(), time.process_time()
    library = Library(model, [FaqEntry(str(i), text, f"答复 {i}。") for i, text in enumerate(texts[:count])])
    print(f"{len(library.entries)} entries indexed in {time.perf_counter() - start:.1f} s, "
          f"{time.process_time() - busy:.1f} s of processor time; {_memory()}")  # fmt: skip
    return library, texts[count:]


def _texts(data: Path, count: int) -> Sequence[str]:
    found: dict[str, None] = {}
    for name, columns in SOURCES:
        for split in ("train", "dev", "test"):
            if len(found) < count:
                with (data / name / f"{split}.csv").open(encoding="utf-8", newline="") as file:
                    found |= {row[column][:60]: None for row in csv.DictReader(file) for column in columns}
    return list(found)[:count]


def _calibrated(library: Library) -> Thresholds:
    some = list(library.entries.values())[:50]
    return calibrated(library, [(entry.question, entry.id) for entry in some])


def cost(data: Path, model: Embedder, count: int, turns: int) -> None:
    """Print the processor time of a turn within this process, without HTTP, and what it is spent on."""
    library, asked = _library(data, model, count)
    with TemporaryDirectory() as folder, closing(open_database(f"sqlite:///{folder}/benchmark.db")) as database:
        ladder = Ladder(library, _calibrated(library), SETTINGS)
        desk = Desk(SETTINGS, ladder, database, BusinessRules(DecisionTables((), OUTPUTS)))
        for text in asked[:WARM_UP]:
            desk.say(text)
        taken = []
        for number in range(turns):
            start = time.process_time()
            desk.say(asked[number % len(asked)])
            taken.append((time.process_time() - start) * 1000)
        p50, p99 = np.quantile(taken, [0.5, 0.99])
        print(
            f"{turns} turns: {np.mean(taken):.1f} ms of processor time each, p50 {p50:.1f}, p99 {p99:.1f}; {_memory()}"
        )
        profile = Profile()
        for number in range(turns):
            profile.runcall(desk.say, asked[number % len(asked)])
        Stats(profile).sort_stats("cumulative").print_stats(40)


@contextmanager
def _served(library: Library) -> Iterator[str]:
    """Serve the entries from a real server; gives its address."""
    found = _calibrated(library)
    with TemporaryDirectory() as folder, ExitStack() as exits:
        database = open_database(f"sqlite:///{folder}/benchmark.db")
        exits.callback(database.close)
        desk = Desk(SETTINGS, Ladder(library, found, SETTINGS), database, BusinessRules(DecisionTables((), OUTPUTS)))
        listener = listen("127.0.0.1", 0)
        config = uvicorn.Config(with_customer_service(create_app, desk)(Engine({})), log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


async def _at_rate(ask: Callable[[int], Coroutine[Any, Any, None]], rate: float, seconds: float) -> list[float]:
    """Ask at a fixed rate; returns the seconds that each took, from when it was due."""
    for number in range(WARM_UP):
        await ask(number)
    begun = time.perf_counter()

    async def one(number: int) -> float:
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await ask(number)
        return time.perf_counter() - due

    return await asyncio.gather(*(one(number) for number in range(round(rate * seconds))))


def _print_latency(taken: Sequence[float], rate: float) -> None:
    p50, p99 = np.quantile(np.array(taken) * 1000, [0.5, 0.99])
    print(f"{len(taken)} turns at {rate:g} a second: p50 {p50:.1f} ms, p99 {p99:.1f} ms; {_memory()}")


def _memory() -> str:
    return f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "cost", "open"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--embedder", default="multilingual-e5-small", help="bundle or base; made: random vectors")
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--turns", type=int, default=300, help="of cost")
    parser.add_argument("--rate", type=float, default=20.0, help="turns a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    model = MadeVectors() if arguments.embedder == "made" else embedder(arguments.embedder)
    if arguments.what == "speed":
        speed(arguments.data, model, arguments.entries, arguments.rate, arguments.seconds)
    elif arguments.what == "cost":
        cost(arguments.data, model, arguments.entries, arguments.turns)
    else:
        many_open(
            arguments.data, model, arguments.entries, arguments.sockets, arguments.rate, arguments.seconds
        )  # fmt: skip


if __name__ == "__main__":
    main()
