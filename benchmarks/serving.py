"""`feilun serve` under load: latency of single texts, the rate it sustains, and what it does at four times that rate.

    python benchmarks/serving.py --bundle out/model --texts ../shared/data/banking77/test.csv --seconds 10

The service runs in a process of its own, and so does the generator of the load, which is open: requests leave when
they are due, by a Poisson process, whether or not earlier ones were answered; latency counts from when one was due.
A rate is sustained where 99 % of the requests are answered with 200 and 99 % of these within --patience ms. Goodput is
what is answered with 200 in a second. All requests come from one client, so its share of the queue is lifted.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.request import urlopen

import numpy as np

MOST_CONNECTIONS = 900


@dataclass(frozen=True)
class Load:
    """What a generator found.

    Args:
        rate: Requests a second that were due.
        statuses: How many requests ended with each status; 0 where no connection was free or it broke.
        goodput: Answered with 200, a second.
        p50: Milliseconds from when a request was due to its answer, of those answered with 200.
        p99: Of 99 % of them at most.
        processor: The generator's seconds of processor a second.
    """

    rate: float
    statuses: dict[str, int]
    goodput: float
    p50: float
    p99: float
    processor: float


class Connection:
    """One kept connection to the service."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, request: bytes) -> int:
        """Send a request and return the status of the answer; 0 where the connection broke."""
        try:
            if self.streams is None:
                self.streams = await asyncio.open_connection(self.host, self.port)
            reader, writer = self.streams
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
        except (OSError, asyncio.IncompleteReadError):
            self.streams = None
            return 0
        if b"connection: close" in head.lower():
            writer.close()
            self.streams = None
        return int(head[9:12])


async def generate(host: str, port: int, path: str, texts: list[str], rate: float, seconds: float) -> Load:
    """Send requests at a rate for some seconds, and wait for their answers."""
    source = random.Random(13)
    requests = []
    for text in texts:
        body = json.dumps({"text": text, "ranked": 1}).encode()
        head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        requests.append(f"{head}\r\n\r\n".encode() + body)
    idle = [Connection(host, port) for _ in range(MOST_CONNECTIONS)]
    statuses: Counter[int] = Counter()
    latencies: list[float] = []

    async def one(due: float) -> None:
        if not idle:
            statuses[0] += 1
            return
        connection = idle.pop()
        status = await connection.post(source.choice(requests))
        idle.append(connection)
        statuses[status] += 1
        if status == 200:
            latencies.append(1000 * (time.perf_counter() - due))

    began, used = time.perf_counter(), time.process_time()
    due, tasks = began, set()
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        due += source.expovariate(rate)
    await asyncio.gather(*tasks)
    elapsed = time.perf_counter() - began
    p50, p99 = np.percentile(latencies, [50, 99]).tolist() if latencies else (float("nan"), float("nan"))
    said = {str(status): count for status, count in sorted(statuses.items())}
    return Load(rate, said, statuses[200] / elapsed, p50, p99, (time.process_time() - used) / elapsed)


def load(address: str, name: str, texts: Path, rate: float, seconds: float) -> Load:
    """Run a generator in a process of its own."""
    command = [sys.executable, __file__, "--generate", address, "--name", name, "--texts", str(texts),
               "--rate", str(rate), "--seconds", str(seconds)]  # fmt: skip
    return Load(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def resident(process: int) -> float:
    """Return the megabytes that a process holds in memory."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def started(bundle: Path, threads: int) -> tuple[subprocess.Popen[str], str, float]:
    """Start the service; return its process, its address and the seconds until it was ready."""
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "feilun.interfaces.cli.main", "serve", str(bundle), "--port", "0", "--observe", "0",
         "--threads", str(threads), "--client-share", "1"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    address = re.search(r"http://\S+?:\d+", server.stdout.readline())[0]  # type: ignore[index]
    while True:
        try:
            with urlopen(f"{address}/readyz") as answer:  # noqa: S310
                if answer.status == 200:
                    return server, address, time.perf_counter() - began
        except OSError:
            time.sleep(0.01)


def sustained(address: str, name: str, texts: Path, seconds: float, patience: float) -> Load:
    """Raise the rate by a quarter until it is no longer sustained; return the last one that was."""
    best, rate = None, 100.0
    while True:
        found = load(address, name, texts, rate, seconds)
        asked = sum(found.statuses.values())
        if found.statuses.get("200", 0) < 0.99 * asked or not found.p99 <= patience:
            return best or found
        best, rate = found, rate * 1.25


def measure(chosen: argparse.Namespace) -> None:
    """Measure and print the table."""
    name = json.loads((chosen.bundle / "manifest.json").read_text())["name"]
    server, address, ready = started(chosen.bundle, chosen.threads)
    try:
        load(address, name, chosen.texts, 50, 1)
        before = resident(server.pid)
        calm = load(address, name, chosen.texts, 100, chosen.seconds)
        most = sustained(address, name, chosen.texts, chosen.step, chosen.patience)
        flood = load(address, name, chosen.texts, 4 * most.rate, chosen.seconds)
        middle = resident(server.pid)
        load(address, name, chosen.texts, most.rate, chosen.seconds)
        after = resident(server.pid)
    finally:
        server.terminate()
        server.wait()
    print(f"{name}, {chosen.threads} thread(s), {os.cpu_count()} cores, {chosen.seconds:g} s a load\n")
    print("| load | rate | goodput/s | p50 ms | p99 ms | statuses | generator's share of a core |\n|" + "---|" * 7)
    for what, one in (("calm", calm), ("most that is sustained", most), ("four times that", flood)):
        print(f"| {what} | {one.rate:,.0f} | {one.goodput:,.0f} | {one.p50:.2f} | {one.p99:.2f} | "
              f"{', '.join(f'{status}: {count:,}' for status, count in one.statuses.items())} | "
              f"{one.processor:.0%} |")  # fmt: skip
    print(f"\nGoodput at four times the rate ÷ at the rate: {flood.goodput / most.goodput:.2f}. "
          f"Ready after {ready:.2f} s. Resident: {before:.0f} MB, after the flood {middle:.0f}, "
          f"after as many again {after:.0f}.")  # fmt: skip


def main() -> None:
    """Run the benchmark, or the generator of one load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--texts", type=Path, required=True, help="a csv with a column text")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--step", type=float, default=3, help="seconds of each rate that is tried")
    parser.add_argument("--patience", type=float, default=100, help="ms within which 99 %% must be answered")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--generate", help=argparse.SUPPRESS)
    parser.add_argument("--name", help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if not chosen.generate:
        measure(chosen)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    host, port = chosen.generate.removeprefix("http://").split(":")
    with chosen.texts.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    path = f"/v1/predict/{chosen.name}"
    print(json.dumps(asdict(asyncio.run(generate(host, int(port), path, texts, chosen.rate, chosen.seconds)))))


if __name__ == "__main__":
    main()
