"""How well alarms find what happened, and how often they cry for nothing: real series by NAB's score, and made ones.

    python benchmarks/alerting.py --data ../shared/data --series 100

Six ticker streams of NAB (5 minutes a bucket) run through the product's detector, online, with one setting for all. The
threshold, and how long a series keeps quiet after an alarm, are chosen by leaving one ticker out: chosen on five, told
of the sixth. Which sums are tested, and the constants of `surge_tail.py`, were chosen looking at all six.

Made streams (one hour a bucket) run with the product's defaults. The peers' thresholds are chosen on another draw, so
that they raise at most one false incident a series-year there.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from feilun.monitoring.surge import SurgeDetector, SurgeSettings
from made_streams import HOURS, PEERS, Flags, Made, judge, make
from nab import Score, Stream, read_stream, score

TICKERS = ("AAPL", "AMZN", "CRM", "CVS", "KO", "UPS")
FIVE_MINUTES, HOUR = 300, 3_600
STREAM = SurgeSettings(sums=(1, 3, 12, 48), warm_up_days=2.0, minimum=2, least_ratio=1.0, false_discoveries=1.0)
"""For streams of 5 minutes; the rest as by default."""

THRESHOLDS = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
QUIET_HOURS = (12.0, 24.0)

BASES = (5, 20, 100)
DAYS = 90
MERGED = 96
"""Hours within which alarms join an incident: the product's calm and cool-down together."""

PEER_THRESHOLDS = np.geomspace(2.5, 40, 40)


def detections(streams: list[Stream], settings: SurgeSettings) -> list[list[int]]:
    """Return the rows of the alarms of each stream; all begin at the same moment."""
    rows = max(len(stream.values) for stream in streams)
    counts = np.zeros((rows, len(streams)))
    for place, stream in enumerate(streams):
        counts[: len(stream.values), place] = stream.values
    detector = SurgeDetector(len(streams), FIVE_MINUTES, settings)
    begin = int(streams[0].seconds[0])
    alarms = np.stack([detector.step(begin + row * FIVE_MINUTES, counts[row]).alarms for row in range(rows)])
    return [np.flatnonzero(alarms[: len(one.values), place]).tolist() for place, one in enumerate(streams)]


def real(folder: Path) -> None:
    """Print NAB's score of each ticker, chosen with and without it."""
    streams = [read_stream(folder, name) for name in TICKERS]
    assert len({int(stream.seconds[0]) for stream in streams}) == 1
    scores: dict[tuple[float, float], list[Score]] = {}
    for p_value in THRESHOLDS:
        for quiet in QUIET_HOURS:
            found = detections(streams, replace(STREAM, p_value=p_value, quiet_hours=quiet))
            scores[p_value, quiet] = [
                score(rows, one.windows, len(one.values)) for rows, one in zip(found, streams, strict=True)
            ]
    best = max(scores, key=lambda setting: sum(scores[setting], Score()).normalised)
    print(f"| ticker | windows | found | false | NAB, p < {best[0]:g}, quiet {best[1]:g} h | chosen without it | NAB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    held_out = Score()
    for place, stream in enumerate(streams):
        rest = [other for other in range(len(streams)) if other != place]
        chosen = max(scores, key=lambda one: sum((scores[one][i] for i in rest), Score()).normalised)
        own, apart = scores[best][place], scores[chosen][place]
        held_out += apart
        print(
            f"| {stream.name} | {own.windows} | {own.hits} | {own.false} | {own.normalised:.1f} | "
            f"p < {chosen[0]:g}, quiet {chosen[1]:g} h | {apart.normalised:.1f} |"
        )
    total = sum(scores[best], Score())
    chosen = f"{total.normalised:.1f} | | {held_out.normalised:.1f}"
    print(f"| all | {total.windows} | {total.hits} | {total.false} | {chosen} |")
    print("\n| p | " + " | ".join(f"quiet {quiet:g} h" for quiet in QUIET_HOURS) + " |\n| --- | --- | --- |")
    for p_value in THRESHOLDS:
        row = (f"{sum(scores[p_value, quiet], Score()).normalised:.1f}" for quiet in QUIET_HOURS)
        print(f"| {p_value:g} | {' | '.join(row)} |", flush=True)


def ours(made: Made) -> Flags:
    """Return the alarms of the product's detector as it comes."""
    detector = SurgeDetector(made.counts.shape[1], HOUR)
    return np.stack([detector.step(row * HOUR, counts).alarms for row, counts in enumerate(made.counts)])


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
    print(f"\n({time.perf_counter() - began:.0f} s)")


if __name__ == "__main__":
    main()
