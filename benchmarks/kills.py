"""Killed at random moments under write load: nothing acknowledged is lost, nothing doubles.

    python benchmarks/kills.py --kills 200 [--database postgresql+psycopg://user:password@host/name]

A process writes observations and feedback as fast as it can, and tells each that was acknowledged: the log was flushed,
the feedback was taken. It is killed (SIGKILL) up to a fifth of a second later, and the database is looked at before the
next begins. Feedback that was sent and not acknowledged is sent again under its key, as a client would.

A kill ends the process, not the machine: that commits survive a power cut rests on SQLite's `synchronous = FULL`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

import numpy as np
from sqlalchemy import func, select

from feilun.core.prediction import Decision
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.storage import observations
from feilun.storage.database import Database, open_database
from feilun.storage.tables.service import feedback

LABELS = ("bad", "good")
LONGEST_LIFE = 0.2


@dataclass
class Told:
    """What the killed processes told.

    Args:
        written: Text by id of each observation that was acknowledged.
        sent: Observation by key of each feedback that was sent.
        taken: Keys of the feedback that was acknowledged.
        resent: How often feedback was sent again, for a kill had come before its acknowledgement.
    """

    written: dict[str, str] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    resent: int = 0


def work(url: str, number: int, again: dict[str, str], tell: Connection) -> None:
    """Write until killed; what is told was acknowledged, but for `sent`."""
    database = open_database(url)
    random_source = random.Random(number)
    prediction = Decision().decide(np.zeros((1, 2), dtype=np.float32), LABELS)[0]
    with ObservationLog(database) as log:
        desk = FeedbackDesk(log, lambda _: LABELS)
        tell.send(("ready", ""))
        for key, identity in again.items():
            desk.give(identity, correct=True, key=key)
            tell.send(("taken", key))
        step = 0
        while True:
            texts = [f"{number} {step} {i}" for i in range(random_source.randint(1, 40))]
            identities = log.observe("m@1", texts, [prediction] * len(texts), 0.0)
            log.flush()
            tell.send(("written", list(zip(identities, texts, strict=True))))
            key = f"{number} {step}"
            tell.send(("sent", (key, identities[0])))
            desk.give(str(identities[0]), correct=True, key=key)
            tell.send(("taken", key))
            step += 1


@contextmanager
def worker(url: str, number: int, told: Told) -> Iterator[multiprocessing.process.BaseProcess]:
    """Start a process that writes, and listen to it until it is dead."""
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    ours, theirs = context.Pipe(duplex=False)
    again = {key: identity for key, identity in told.sent.items() if key not in told.taken}
    told.resent += len(again)
    process = context.Process(target=work, args=(url, number, again, theirs))
    process.start()
    theirs.close()
    assert ours.poll(60), "the process does not begin"
    assert ours.recv() == ("ready", "")
    listener = Thread(target=listen, args=(ours, told))
    listener.start()
    yield process
    process.join()
    listener.join()
    ours.close()


def listen(ours: Connection, told: Told) -> None:
    """Note what a process tells until its end; a message cut short by the kill was not told."""
    try:
        while True:
            kind, what = ours.recv()
            if kind == "written":
                told.written.update(what)
            elif kind == "sent":
                told.sent[what[0]] = what[1]
            else:
                told.taken.add(what)
    except (EOFError, OSError):
        return


def check(database: Database, told: Told) -> None:
    """Hold the database to what was told.

    Raises:
        AssertionError: If something acknowledged is lost or altered, or something is there twice.
    """
    with database.read() as connection:
        rows = observations.latest(connection, "m")
        keys = select(feedback.c.key, func.count()).group_by(feedback.c.key)
        counts = {key: int(count) for key, count in connection.execute(keys)}
        if database.engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"
    found = {row.id: row.text for row in rows}
    assert len(found) == len(rows), "an observation is there twice"
    assert len(set(found.values())) == len(rows), "a text is there twice"
    lost = {identity for identity, text in told.written.items() if found.get(identity) != text}
    assert not lost, f"{len(lost)} acknowledged observations are lost"
    assert told.taken <= set(counts), f"{len(told.taken - set(counts))} acknowledged feedback is lost"
    assert set(counts) <= set(told.sent), "there is feedback that nobody sent"
    assert set(counts.values()) <= {1}, "feedback is there twice"


def kill_repeatedly(url: str, kills: int, seed: int = 0) -> Told:
    """Kill writing processes one after another and check the database after each.

    Args:
        url: The database, empty.
        kills: How many.
        seed: Of the moments.

    Returns:
        What was acknowledged in all.
    """
    told = Told()
    moments = random.Random(seed)
    for number in range(kills):
        with worker(url, number, told) as process:
            time.sleep(moments.uniform(0, LONGEST_LIFE))
            assert process.is_alive(), "the process ended by itself"
            process.kill()
        database = open_database(url)
        with closing(database):
            check(database, told)
    return told


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database")
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        told = kill_repeatedly(options.database or f"sqlite:///{Path(folder) / 'feilun.db'}", options.kills)
    print(f"{options.kills} kills in {time.perf_counter() - began:.0f} s, none lost, none twice:")
    print(f"{len(told.written):,} observations and {len(told.taken):,} feedbacks were acknowledged;")
    print(f"{told.resent:,} feedbacks were sent again, for a kill had come before their acknowledgement")


if __name__ == "__main__":
    main()
