"""Events into a shop over HTTP, one a request: how long until they are on the disk, and what they cost.

    python benchmarks/recommendation_events.py --rate 500 --seconds 20

`feilun recommendation serve` runs with the fictional shop in a process of its own and a database in a temporary folder.
The load is open: requests leave when they are due, by a Poisson process, whether or not earlier ones were answered, and
latency counts from when one was due; an answer means that the event is on the disk. The processor time is the
service's, by event. With --of-a-list every event names the list that had shown its item. Take the latency of a quiet
machine alone; the processor time stands beside other work too. `recommendation_load.py` does the same beside lists of a
large catalogue.
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
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.request import Request, urlopen

from serving import Offered, offer, post, processor, resident, started

ROOT = "/v1/apps/recommendation"
MOST_CONNECTIONS = 200
COMMAND = (sys.executable, "-m", "feilun.interfaces.cli.main", "recommendation")


Requests = Callable[[str, int], bytes]
"""From the host and a number to the bytes of a request."""


def send(address: str, seconds: float, *loads: tuple[float, Requests]) -> list[Offered]:
    """Send requests of each load at its rate, all at once, for some seconds, and wait for the answers."""
    host, port = address.removeprefix("http://").split(":")

    async def all_of_them() -> list[Offered]:
        return await asyncio.gather(*(
            offer(host, int(port), rate, seconds, partial(request, host), MOST_CONNECTIONS) for rate, request in loads
        ))  # fmt: skip

    return asyncio.run(all_of_them())


def event_of(items: list[str], name: str, ranking: str | None = None) -> Requests:
    """Return what makes the request with the event of a number."""
    source = random.Random(13)

    def request(host: str, number: int) -> bytes:
        event = {"id": f"{name}{number}", "user": f"u{number % 1000}", "item": source.choice(items), "ranking": ranking}
        return post(host, f"{ROOT}/events", {"events": [event]})

    return request


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
        subprocess.run([*COMMAND, "train", str(file)], check=True, capture_output=True)
        server, address, ready = started([*COMMAND, "serve", str(file), "--port", "0"])
        try:
            ranking = list_of(address) if chosen.of_a_list else None
            send(address, 2, (50, event_of(items, "warm", ranking)))
            before = processor(server.pid)
            (found,) = send(address, chosen.seconds, (chosen.rate, event_of(items, "e", ranking)))
            used, (p50, p99) = processor(server.pid) - before, found.percentiles()
            print(
                f"ready after {ready:.1f} s; {chosen.rate:g} events a second for {chosen.seconds:g} s; {found.said()}"
            )
            print(f"on the disk after p50 {p50:.1f} ms, p99 {p99:.1f} ms")
            sent = found.statuses.total()
            print(f"{1000 * used / sent:.2f} ms of processor an event, resident {resident(server.pid):,.0f} MB")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
