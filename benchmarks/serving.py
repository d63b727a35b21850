"""`feilun serve` under load, beside a plain service of FastAPI and a transformers pipeline, in one run.

    python benchmarks/serving.py --bundle out/model --texts ../shared/data/banking77/test.csv --peer minilm-l6-en

Each service runs in a process of its own, one after the other, and so does the generator of the load, which is open:
requests leave when they are due, by a Poisson process, whether or not earlier ones were answered; latency counts from
when one was due. A rate is sustained where 99 % of the requests are answered with 200 and 99 % of these within
--patience ms; the peak is the goodput at the highest such rate. Goodput is what is answered with 200 in a second. Then
four times that rate comes for --flood seconds, while the memory is looked at. All requests come from one client, so its
share of the queue is lifted. The peer is given the base of the bundle with a new head: what it says is noise, and takes
as long as if it were not. It has no limits, so its latency under the flood grows as long as the flood lasts.
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
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


@dataclass
class Offered:
    """What became of requests that left when they were due.

    Args:
        statuses: How many ended with each status; 0 where no connection was free or it broke.
        milliseconds: From when a request was due to its answer, of those answered with 2xx.
        elapsed: Seconds until the last answer.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def percentiles(self) -> tuple[float, float]:
        """Return the median and the 99th percentile of the milliseconds; NaN where nothing was answered."""
        if not self.milliseconds:
            return float("nan"), float("nan")
        p50, p99 = np.percentile(self.milliseconds, [50, 99]).tolist()
        return p50, p99

    def said(self) -> str:
        """Return the statuses in words."""
        return ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))


def post(host: str, path: str, body: dict[str, object]) -> bytes:
    """Return a request that posts JSON."""
    sent = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(sent)}"
    return f"{head}\r\n\r\n".encode() + sent


async def offer(
    host: str, port: int, rate: float, seconds: float, request: Callable[[int], bytes], connections: int
) -> Offered:
    """Send requests by a Poisson process, whether or not earlier ones were answered, and wait for the answers.

    Args:
        host: Of the service.
        port: Of the service.
        rate: Requests a second.
        seconds: How long they leave.
        request: The bytes of the request of a number.
        connections: Most requests that wait for their answers.
    """
    source, found = random.Random(13), Offered()
    idle = [Connection(host, port) for _ in range(connections)]

    async def one(number: int, due: float) -> None:
        if not idle:
            found.statuses[0] += 1
            return
        connection = idle.pop()
        status = await connection.post(request(number))
        idle.append(connection)
        found.statuses[status] += 1
        if status // 100 == 2:
            found.milliseconds.append(1000 * (time.perf_counter() - due))

    began = due = time.perf_counter()
    number, tasks = 0, set()
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        due, number = due + source.expovariate(rate), number + 1
    await asyncio.gather(*tasks)
    found.elapsed = time.perf_counter() - began
    return found


async def generate(host: str, port: int, path: str, texts: list[str], rate: float, seconds: float) -> Load:
    """Send requests at a rate for some seconds, and wait for their answers."""
    source = random.Random(7)
    requests = [post(host, path, {"text": text, "ranked": 1}) for text in texts]
    used = time.process_time()
    found = await offer(host, port, rate, seconds, lambda _: source.choice(requests), MOST_CONNECTIONS)
    p50, p99 = found.percentiles()
    said = {str(status): count for status, count in sorted(found.statuses.items())}
    share = (time.process_time() - used) / found.elapsed
    return Load(rate, said, found.statuses[200] / found.elapsed, p50, p99, share)


def load(address: str, name: str, texts: Path, rate: float, seconds: float) -> Load:
    """Run a generator in a process of its own."""
    command = [sys.executable, __file__, "--generate", address, "--name", name, "--texts", str(texts),
               "--rate", str(rate), "--seconds", str(seconds)]  # fmt: skip
    return Load(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def processor(process: int) -> float:
    """Return the seconds of processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """Return the megabytes that a process holds in memory."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def ours(chosen: argparse.Namespace) -> list[str]:
    """Return the command of our service."""
    return [sys.executable, "-m", "feilun.interfaces.cli.main", "serve", str(chosen.bundle), "--port", "0",
            "--observe", "0", "--threads", str(chosen.threads), "--client-share", "1"]  # fmt: skip


def plain(chosen: argparse.Namespace) -> list[str]:
    """Return the command of the peer."""
    labels = len(json.loads((chosen.bundle / "labels.json").read_text()))
    script = str(Path(__file__).with_name("serving_peer.py"))
    return [sys.executable, script, chosen.peer, str(labels), str(chosen.threads), str(chosen.max_tokens)]


def started(command: list[str]) -> tuple[subprocess.Popen[str], str, float]:
    """Start a service that prints its address; return its process, the address and the seconds until it was ready."""
    began = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = re.search(r"http://\S+?:\d+", server.stdout.readline())[0]  # type: ignore[index]
    while True:
        try:
            with urlopen(f"{address}/readyz") as answer:  # noqa: S310
                if answer.status == 200:
                    return server, address, time.perf_counter() - began
        except OSError:
            time.sleep(0.01)


def sustained(address: str, name: str, texts: Path, seconds: float, patience: float, rate: float) -> Load:
    """Raise the rate by a quarter until it is no longer sustained; return the last one that was."""
    best = None
    while True:
        found = load(address, name, texts, rate, seconds)
        asked = sum(found.statuses.values())
        if found.statuses.get("200", 0) < 0.99 * asked or not found.p99 <= patience:
            return best or found
        best, rate = found, rate * 1.25


@dataclass(frozen=True)
class Found:
    """What was found of a service.

    Args:
        ready: Seconds until it was ready.
        calm: At 100 requests a second.
        most: At the highest rate that it sustains.
        flood: At four times that.
        memory: Megabytes that it held: before, and each second of the flood.
    """

    ready: float
    calm: Load
    most: Load
    flood: Load
    memory: list[float]


def watched(process: int, work: Callable[[], Load]) -> tuple[Load, list[float]]:
    """Return what a load found, and the memory of a process in each second meanwhile."""
    memory: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        while not running.done():
            memory.append(resident(process))
            time.sleep(1)
        return running.result(), memory


def found(command: list[str], name: str, chosen: argparse.Namespace) -> Found:
    """Measure a service from its start to its end."""
    server, address, ready = started(command)
    try:
        load(address, name, chosen.texts, 50, 1)
        before = resident(server.pid)
        calm = load(address, name, chosen.texts, chosen.calm, chosen.seconds)
        most = sustained(address, name, chosen.texts, chosen.step, chosen.patience, chosen.calm)
        flood, memory = watched(server.pid, lambda: load(address, name, chosen.texts, 4 * most.rate, chosen.flood))
    finally:
        server.terminate()
        server.wait()
    return Found(ready, calm, most, flood, [before, *memory])


def measure(chosen: argparse.Namespace) -> None:
    """Measure and print the table."""
    name = json.loads((chosen.bundle / "manifest.json").read_text())["name"]
    services = {"feilun serve": ours(chosen), **({"FastAPI + pipeline": plain(chosen)} if chosen.peer else {})}
    print(f"{name}, {chosen.threads} thread(s), {os.cpu_count()} cores, flood of {chosen.flood:g} s\n")
    head = ("service", "load", "rate", "goodput/s", "p50 ms", "p99 ms", "statuses", "generator's share of a core")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    all_found = {}
    for what, command in services.items():
        all_found[what] = one = found(command, name, chosen)
        for kind, load_found in (
            ("calm", one.calm),
            ("most that is sustained", one.most),
            ("four times that", one.flood),
        ):
            statuses = ", ".join(f"{status}: {count:,}" for status, count in load_found.statuses.items())
            print(f"| {what} | {kind} | {load_found.rate:,.0f} | {load_found.goodput:,.0f} | {load_found.p50:.2f} | "
                  f"{load_found.p99:.2f} | {statuses} | {load_found.processor:.0%} |", flush=True)  # fmt: skip
    print()
    for what, one in all_found.items():
        settled = one.memory[1 + len(one.memory) // 4 :] or one.memory
        faults = sorted(status for status in one.flood.statuses if status not in {"200", "429", "503"})
        print(f"{what}: goodput at four times the rate ÷ at the rate {one.flood.goodput / one.most.goodput:.2f}; ready "
              f"after {one.ready:.2f} s; resident {one.memory[0]:.0f} MB before, {min(settled):.0f} to "
              f"{max(settled):.0f} MB over the last three quarters of the flood; other statuses: "
              f"{', '.join(faults) or 'none'}.")  # fmt: skip


def main() -> None:
    """Run the benchmark, or the generator of one load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--texts", type=Path, required=True, help="a csv with a column text")
    parser.add_argument(
        "--peer", default="", help="the bundle's base, such as minilm-l6-en: a plain service beside ours"
    )
    parser.add_argument("--max-tokens", type=int, default=128, help="where the peer cuts texts")
    parser.add_argument(
        "--calm", type=float, default=100, help="requests a second of the calm load, from which on the rate is raised"
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--flood", type=float, default=60, help="seconds of four times the rate")
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
