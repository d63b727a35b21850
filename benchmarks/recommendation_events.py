"""Events into a shop over HTTP, one a request: how long until they are on the disk, and what they cost.

    python benchmarks/recommendation_events.py --rate 500 --seconds 20

`feilun recommendation serve` runs with the fictional shop in a process of its own and a database in a temporary folder.
The load is open: requests leave when they are due, by a Poisson process, whether or not earlier ones were answered, and
latency counts from when one was due; an answer means that the event is on the disk. The processor time is the
service's, by event. With --of-a-list every event names the list that had shown its item. Take the latency of a quiet
machine alone; the processor time stands beside other work too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np

from serving import Connection, resident, started

ROOT = "/v1/apps/recommendation"
MOST_CONNECTIONS = 200


@dataclass
class Answers:
    """What came back.

    Args:
        statuses: How many requests ended with each; 0 where the connection broke or none was free.
        milliseconds: From when an event was due until it was on the disk.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)


async def send(address: str, items: list[str], ranking: str | None, rate: float, seconds: float, name: str) -> Answers:
    """Send events at a rate for some seconds, and wait for the answers."""
    host, port = address.removeprefix("http://").split(":")
    source, answers = random.Random(13), Answers()
    idle = [Connection(host, int(port)) for _ in range(MOST_CONNECTIONS)]

    async def one(number: int, due: float) -> None:
        event = {"id": f"{name}{number}", "user": f"u{number % 1000}", "item": source.choice(items), "ranking": ranking}
        body = json.dumps({"events": [event]}).encode()
        head = f"POST {ROOT}/events HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        if not idle:
            answers.statuses[0] += 1
            return
        connection = idle.pop()
        status = await connection.post(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        idle.append(connection)
        answers.statuses[status] += 1
        answers.milliseconds.append(1000 * (time.perf_counter() - due))

    began = due = time.perf_counter()
    number, tasks = 0, set()
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        due, number = due + source.expovariate(rate), number + 1
    await asyncio.gather(*tasks)
    return answers


def processor(process: int) -> float:
    """Return the seconds of processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shop_in(folder: str) -> tuple[Path, list[str]]:
    """Write the fictional shop's tables and application file; return the file and the items' ids."""
    from feilun.apps.recommendation.sample.shop import simulate

    sample = simulate(shoppers=200)
    items, events = Path(folder) / "items.jsonl", Path(folder) / "events.jsonl"
    items.write_text("\n".join(
        json.dumps({"id": i.id, "title": i.title, "categories": list(i.categories)}) for i in sample.items
    ), encoding="utf-8")  # fmt: skip
    events.write_text("\n".join(
        json.dumps({"id": e.id, "user": e.user, "item": e.item, "type": e.type, "value": e.value, "time": e.time})
        for e in sample.events
    ), encoding="utf-8")  # fmt: skip
    file = Path(folder) / "shop.toml"
    file.write_text(f'application = "recommendation"\nitems = "{items}"\nevents = "{events}"\n', encoding="utf-8")
    return file, [item.id for item in sample.items]


def list_of(address: str) -> str:
    """Return the id of a list that the service gave."""
    asked = Request(  # noqa: S310
        f"{address}{ROOT}/recommend", json.dumps({"user": "u1"}).encode(), {"content-type": "application/json"}
    )
    with urlopen(asked) as answer:  # noqa: S310
        return str(json.load(answer)["ranking"])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=500, help="events a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--of-a-list", action="store_true", help="events name the list that had shown their item")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FEILUN_HOME"] = folder
        file, items = shop_in(folder)
        command = [sys.executable, "-m", "feilun.interfaces.cli.main", "recommendation"]
        subprocess.run([*command, "train", str(file)], check=True, capture_output=True)
        server, address, ready = started([*command, "serve", str(file), "--port", "0"])
        try:
            ranking = list_of(address) if chosen.of_a_list else None
            asyncio.run(send(address, items, ranking, 50, 2, "warm"))
            before = processor(server.pid)
            found = asyncio.run(send(address, items, ranking, chosen.rate, chosen.seconds, "e"))
            used = processor(server.pid) - before
            p50, p99 = np.percentile(found.milliseconds, [50, 99])
            sent, (p50, p99) = sum(found.statuses.values()), np.percentile(found.milliseconds, [50, 99])
            said = ", ".join(f"{status}: {count:,}" for status, count in sorted(found.statuses.items()))
            print(f"ready after {ready:.1f} s; {chosen.rate:g} events a second for {chosen.seconds:g} s; {said}")
            print(f"on the disk after p50 {p50:.1f} ms, p99 {p99:.1f} ms")
            print(f"{1000 * used / sent:.2f} ms of processor an event, resident {resident(server.pid):,.0f} MB")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
