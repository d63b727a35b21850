"""Public opinion end to end: documents a second with storage and models, how soon alarms come, and a burst.

    python benchmarks/opinion_throughput.py --models DEMO/models [--apart OTHER/models] [--documents 2000]

Documents of two or three sentences of the packaged sample about a hundred made companies are taken in from a file:
read, understood, put into stories, counted, indexed and committed, by wording rules alone, by two models, and by one
model of both (bundles as `feilun public-opinion demo` leaves them). Then `run --follow` takes what is pushed at 60 % of
the rate just measured, six hours of the documents' time in each bucket, and bad news of one company surges in each: an
alarm's latency is counted from the push of the document that shows its bucket to be over until the incident is saved.
At last a burst of twenty times that rate is pushed at once: how long until it is caught up with, and the memory.
"""

from __future__ import annotations

import argparse
import bisect
import json
import random
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from feilun.apps.public_opinion.gazetteer import Entity, Gazetteer
from feilun.apps.public_opinion.incidents import Incident
from feilun.apps.public_opinion.intake import Taken
from feilun.apps.public_opinion.rules import DEFAULT
from feilun.apps.public_opinion.sample.writer import write_sample
from feilun.apps.public_opinion.scheme import read_scheme
from feilun.apps.public_opinion.sources.files import Files
from feilun.bundles.bundle import open_bundle
from feilun.storage import opinion_inbox
from feilun.storage.database import Database, open_database
from feilun.text.segment import sentences
from feilun.workflow.applications.public_opinion import wiring as wired
from feilun.workflow.applications.public_opinion.file import CountSettings, ModelSettings, Settings
from feilun.workflow.applications.public_opinion.wiring import Application

DAY, BUCKET = 86_400, 6 * 3_600
NAMES = [f"Zeta{number:03d} Holdings" for number in range(100)]
QUIET_DAYS, QUIET_IN_A_BUCKET = 36, 12
IN_A_BUCKET, SURGE = 24, 14
PUSHED_EVERY = 0.25
WORSE = "loss widened, default and fraud probe"


class Enough(Exception):
    """Everything was seen."""


def texts() -> Iterator[str]:
    """Yield texts of two or three sentences without end."""
    drawn = random.Random(0)
    pool = sorted({sentence for one in write_sample() for sentence in sentences(f"{one.title}\n{one.body}")})
    while True:
        yield " ".join(drawn.sample(pool, drawn.choice((2, 3))))


def records(count: int, begin: float, step: float, surging: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Yield documents in the order of their times; of each bucket's company in `surging` there are bad ones more."""
    drawn, source = random.Random(begin), texts()
    for number in range(count):
        published = begin + number * step
        bucket = int((published - begin) // BUCKET)
        bad = bucket < len(surging) and number % (IN_A_BUCKET + SURGE) < SURGE
        said = f"{surging[bucket]}: {WORSE} {drawn.random()}" if bad else f"{drawn.choice(NAMES)} {next(source)}"
        moment = datetime.fromtimestamp(published, UTC).isoformat()
        yield {"id": f"{begin} {number}", "text": said, "time": moment, "source": f"source {number % 20}"}


def application(folder: Path, models: Path | None) -> Application:
    """Put an application together whose database is new."""
    both = "opinion" if models and (models / "opinion").exists() else None
    bundles = {} if models is None else {name: str(models / (both or name)) for name in ("sentiment", "topics")}
    settings = Settings(
        "public-opinion", "", models=ModelSettings(**bundles),
        counting=CountSettings(bucket_minutes=BUCKET // 60, lateness_minutes=0),
    )  # fmt: skip
    entities = Gazetteer([Entity(name) for name in NAMES])
    return Application(
        settings, folder, open_database(f"sqlite:///{folder / 'a.db'}"), entities, read_scheme(), DEFAULT
    )


def sustained(arm: str, models: Path | None, count: int) -> float:
    """Show and return how many documents a second are taken in from a file."""
    with tempfile.TemporaryDirectory() as place:
        made = application(Path(place), models)
        path = Path(place) / "documents.jsonl"
        begin = time.time() - 60 * DAY
        lines = (json.dumps(one, ensure_ascii=False) + "\n" for one in records(count, begin, DAY / 50))
        path.write_text("".join(lines), encoding="utf-8")
        intake = made.intake()
        wall, used = time.perf_counter(), time.process_time()
        taken = intake.take(Files(path, made.form(path), whole=True))
        wall, used = time.perf_counter() - wall, time.process_time() - used
        made.database.close()
    assert taken.new == count
    print(f"| {arm} | {count / used:,.0f} | {count / wall:,.0f} |", flush=True)
    return count / wall


def push(database: Database, rows: Sequence[dict[str, str]], rate: float, pushed: list[tuple[float, float]]) -> None:
    """Push documents at a rate, four times a second, and note of each its own time and when it was pushed."""
    began, sent = time.monotonic(), 0
    while sent < len(rows):
        due = min(len(rows), 1 + int((time.monotonic() - began) * rate))
        if piece := rows[sent:due]:
            now = time.monotonic()
            with database.write() as connection:
                opinion_inbox.add(connection, "push", piece)
            pushed += [(datetime.fromisoformat(row["time"]).timestamp(), now) for row in piece]
        sent = due
        time.sleep(PUSHED_EVERY)


def alarms(models: Path | None, rate: float, buckets: int) -> None:
    """Show how soon alarms come at a rate, and how a burst is caught up with."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        quiet = application(folder, None)
        begin = (int(time.time()) // BUCKET - buckets - 8) * BUCKET
        before = records(QUIET_DAYS * 4 * QUIET_IN_A_BUCKET, begin - QUIET_DAYS * DAY, BUCKET / QUIET_IN_A_BUCKET)
        path = folder / "before.jsonl"
        path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in before), encoding="utf-8")
        quiet.intake().take(Files(path, quiet.form(path), whole=True))
        quiet.database.close()
        made, other = application(folder, models), open_database(f"sqlite:///{folder / 'a.db'}")
        companies = [NAMES[number % len(NAMES)] for number in range(buckets)]
        each = IN_A_BUCKET + SURGE
        rows = list(records((buckets + 1) * each, begin, BUCKET / each, companies))
        pushed: list[tuple[float, float]] = []
        opened: dict[str, tuple[float, float]] = {}
        total = 0

        def tell(taken: Taken, changed: list[Incident]) -> None:
            nonlocal total
            total += taken.new
            for one in changed:
                opened.setdefault(one.id, (one.opened, time.monotonic()))
            if total == len(rows):
                raise Enough

        follow(made, tell, threading.Thread(target=push, args=(other, rows, rate, pushed)))
        times = [moment for moment, _ in pushed]
        late = [
            seen - pushed[bisect.bisect_left(times, bucket + BUCKET)][1]
            for bucket, seen in opened.values() if bucket + BUCKET <= times[-1]
        ]  # fmt: skip
        median, worst = np.percentile(late, (50, 99))
        print(
            f"\n{len(late)} alarms of {buckets} surges at {rate:.0f} documents/s: median {median:.2f} s, 99 % "
            f"{worst:.2f} s, longest {max(late):.2f} s"
        )
        burst(made, other, 20 * rate)
        made.database.close()
        other.close()


def burst(made: Application, other: Database, rate: float) -> None:
    """Push twenty times the rate for a second at once, and show how long catching up takes, and the memory."""
    before, total = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    rows = list(records(int(rate), time.time() - BUCKET, 0.01))
    push(other, rows, 1e9, [])
    began = time.monotonic()

    def tell(taken: Taken, _: list[Incident]) -> None:
        nonlocal total
        total += taken.new
        if total == len(rows):
            raise Enough

    follow(made, tell, None)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"a burst of {len(rows):,} documents was caught up with after {time.monotonic() - began:.0f} s, none lost; "
        f"memory at most {after / 1e3:,.0f} MB, {before / 1e3:,.0f} MB before"
    )


def follow(made: Application, tell: Callable[[Taken, list[Incident]], None], beside: threading.Thread | None) -> None:
    """Run as `run --follow` does until everything was seen."""
    if beside is not None:
        beside.start()
    with suppress(Enough):
        wired.run(made, follow=True, tell=tell)
    if beside is not None:
        beside.join()


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="folder with the bundle opinion")
    parser.add_argument("--apart", type=Path, help="folder with the bundles sentiment and topics")
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--surges", type=int, default=100)
    options = parser.parse_args()
    open_bundle(str(options.models / "opinion")).predict(["x"])
    print("| read by | documents/s of processor time | on the clock |\n| --- | --- | --- |")
    sustained("wording rules, words of the scheme", None, options.documents)
    if options.apart:
        sustained("two models", options.apart, options.documents)
    rate = sustained("one model of both", options.models, options.documents)
    alarms(options.models, 0.6 * rate, options.surges)


if __name__ == "__main__":
    main()
