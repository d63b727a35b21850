"""How well alarms find what happened, and how often they cry for nothing: real series by NAB's score, and made ones.

    python benchmarks/alerting.py --data ../shared/data --series 100

Six ticker streams of NAB (5 minutes a bucket) run through the product's detector, online, with one setting for all. The
threshold, and how long a series keeps quiet after an alarm, are chosen by leaving one ticker out: chosen on five, told
of the sixth. Which sums are tested, and the constants of `surge_tail.py`, were chosen looking at all six.

Made streams (one hour a bucket) run with the product's defaults. The peers' thresholds are chosen on another draw, so
that they raise at most one false incident a series-year there. Then the product's alone, with a week of holidays and a
single one in them, of which the detector is told or not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from feilun.monitoring.surge import SurgeDetector, SurgeSettings
from made_streams import HOURS, PEERS, Flags, Floats, Made, judge, make
from nab import Score, Stream, read_stream, score

TICKERS = ("AAPL", "AMZN", "CRM", "CVS", "KO", "UPS")
FIVE_MINUTES, HOUR = 300, 3_600
STREAM = SurgeSettings(sums=(1, 3, 12, 48), warm_up_days=2.0, minimum=2, least_ratio=1.0, false_discoveries=1.0)
"""For streams of 5 minutes; the rest as by default."""

THRESHOLDS = (1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
QUIET_HOURS = (12.0, 24.0)

BASES = (5, 20, 100)
DAYS = 90
MONDAY = 4 * 86_400
"""Second 0 was a Thursday."""

HOLIDAYS = (42, 43, 44, 45, 46, 66)
"""Days of the stream that are like weekends: from Monday to Friday, and one Thursday."""

MERGED = 96
"""Hours within which alarms join an incident: the product's calm and cool-down together."""

PEER_THRESHOLDS = np.geomspace(2.5, 40, 40)


@dataclass(frozen=True)
class Watched:
    """What the detector said of each bucket, arrays of shape (buckets, streams)."""

    counts: Floats
    p_values: Floats
    expected: Floats
    alarms: Flags

    def detections(self, settings: SurgeSettings) -> Flags:
        """Return the alarms under other thresholds: what is learnt does not depend on them."""
        large = (self.counts >= settings.minimum) & (self.counts >= settings.least_ratio * self.expected)
        found = (self.p_values <= settings.p_value) & large
        quiet = round(settings.quiet_hours * HOUR / FIVE_MINUTES)
        last = np.full(found.shape[1], -quiet)
        for row in range(len(found)):
            found[row] &= row - last >= quiet
            last[found[row]] = row
        return found


def watch(streams: list[Stream], settings: SurgeSettings) -> Watched:
    """Run the detector over all streams, which begin at the same moment."""
    rows = max(len(stream.values) for stream in streams)
    counts = np.zeros((rows, len(streams)))
    for place, stream in enumerate(streams):
        counts[: len(stream.values), place] = stream.values
    detector, begin = SurgeDetector(len(streams), FIVE_MINUTES, settings), int(streams[0].seconds[0])
    found = [detector.step(begin + row * FIVE_MINUTES, counts[row]) for row in range(rows)]
    return Watched(
        counts, np.stack([one.p_values for one in found]), np.stack([one.expected for one in found]),
        np.stack([one.alarms for one in found]),
    )  # fmt: skip


def scores_of(alarms: Flags, streams: list[Stream]) -> list[Score]:
    """Return NAB's score of each stream."""
    return [
        score(np.flatnonzero(alarms[: len(one.values), place]).tolist(), one.windows, len(one.values))
        for place, one in enumerate(streams)
    ]


def real(folder: Path) -> None:
    """Print NAB's score of each ticker, chosen with and without it."""
    streams = [read_stream(folder, name) for name in TICKERS]
    assert len({int(stream.seconds[0]) for stream in streams}) == 1
    watched = watch(streams, STREAM)
    grid = [replace(STREAM, p_value=one, quiet_hours=quiet) for one in THRESHOLDS for quiet in QUIET_HOURS]
    scores = {one: scores_of(watched.detections(one), streams) for one in grid}
    best = _best(scores, range(len(streams)))
    assert (watch(streams, best).alarms == watched.detections(best)).all()
    print(f"| ticker | windows | found | false | NAB, {_named(best)} | chosen without it | NAB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    held_out = Score()
    for place, stream in enumerate(streams):
        chosen = _best(scores, [other for other in range(len(streams)) if other != place])
        own, apart = scores[best][place], scores[chosen][place]
        held_out += apart
        print(
            f"| {stream.name} | {own.windows} | {own.hits} | {own.false} | {own.normalised:.1f} | "
            f"{_named(chosen)} | {apart.normalised:.1f} |"
        )
    total = sum(scores[best], Score())
    figures = f"{total.windows} | {total.hits} | {total.false} | {total.normalised:.1f} | | {held_out.normalised:.1f}"
    print(f"| all | {figures} |")
    print("\n| p | " + " | ".join(f"quiet {quiet:g} h" for quiet in QUIET_HOURS) + " |\n| --- | --- | --- |")
    for p_value in THRESHOLDS:
        row = [sum(scores[one], Score()).normalised for one in grid if one.p_value == p_value]
        print(f"| {p_value:g} | {' | '.join(f'{value:.1f}' for value in row)} |", flush=True)


def _best(scores: Mapping[SurgeSettings, list[Score]], places: Iterable[int]) -> SurgeSettings:
    """Return the setting with the highest score over some streams."""
    kept = list(places)
    return max(scores, key=lambda one: sum((scores[one][place] for place in kept), Score()).normalised)


def _named(settings: SurgeSettings) -> str:
    return f"p < {settings.p_value:g}, quiet {settings.quiet_hours:g} h"


def ours(made: Made, holidays: Sequence[int] = ()) -> Flags:
    """Return the alarms of the product's detector as it comes, told of these days."""
    series = made.counts.shape[1]
    detector = SurgeDetector(series, HOUR)
    return np.stack([
        detector.step(MONDAY + row * HOUR, counts, np.full(series, row // HOURS in holidays)).alarms
        for row, counts in enumerate(made.counts)
    ])  # fmt: skip


def made_streams(series: int, seeds: int) -> None:
    """Print what is found in made streams, by base rate."""
    print("| base rate | detector | surges of 2.5 × found within 3 buckets | false incidents a series-year |")
    print("| --- | --- | --- | --- |")
    for base in BASES:
        tuning = make(base, series, DAYS, seed=1_000)
        thresholds = {name: _threshold(strays(tuning.counts), tuning) for name, strays in PEERS.items()}
        figures: dict[str, list[tuple[float, float]]] = {}
        for seed in range(seeds):
            made = make(base, series, DAYS, seed)
            figures.setdefault("Feilun", []).append(judge(ours(made), made, MERGED))
            for name, strays in PEERS.items():
                alarms = strays(made.counts) >= thresholds[name]
                figures.setdefault(name, []).append(judge(alarms, made, MERGED))
        for name, values in figures.items():
            recall, false = np.array(values).T
            print(f"| {base} | {name} | {_spread(recall)} | {_spread(false)} |", flush=True)


def rested(series: int, seeds: int) -> None:
    """Print what holidays do to a detector that knows them and to one that does not, by base rate."""
    print("\n| base rate | holidays | surges of 2.5 × found within 3 buckets | false incidents a series-year |")
    print("| --- | --- | --- | --- |")
    for base in BASES:
        made = [make(base, series, DAYS, seed, HOLIDAYS) for seed in range(seeds)]
        for name, known in (("told", HOLIDAYS), ("not told", ())):
            recall, false = np.array([judge(ours(one, known), one, MERGED) for one in made]).T
            print(f"| {base} | {name} | {_spread(recall)} | {_spread(false)} |", flush=True)


def _threshold(strays: np.ndarray, made: Made) -> float:
    """Return the lowest threshold with at most one false incident a series-year."""
    return next((float(one) for one in PEER_THRESHOLDS if judge(strays >= one, made, MERGED)[1] <= 1), np.inf)


def _spread(values: np.ndarray) -> str:
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="Folder of the data sets; without it only made streams.")
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    began = time.perf_counter()
    if options.data is not None:
        real(options.data / "nab_tweets")
    if options.series:
        print(f"\n{options.series} series of {DAYS} days, {HOURS} buckets a day, {options.seeds} seeds\n")
        made_streams(options.series, options.seeds)
        rested(options.series, options.seeds)
    print(f"\n({time.perf_counter() - began:.0f} s)")


if __name__ == "__main__":
    main()
