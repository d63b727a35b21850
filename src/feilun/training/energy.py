"""How much energy the processor took, by its own counters, where they can be read."""

from __future__ import annotations

from pathlib import Path

COUNTERS = Path("/sys/class/powercap")
"""Where Linux shows the counters of Intel's and AMD's processors (RAPL); mostly for the superuser alone."""


class EnergyMeter:
    """Counts what all packages of the processor take, whoever makes them work; without readable counters nothing.

    Args:
        counters: Folder of the counters.
    """

    def __init__(self, counters: Path = COUNTERS) -> None:
        self.zones = sorted(counters.glob("intel-rapl:?"))  # a package each; parts of one have a further colon
        self.limits = self._numbers("max_energy_range_uj")  # where a counter starts anew
        self.before = self._numbers("energy_uj")

    def joules(self) -> float:
        """Return what was taken since the last call, or since the meter was made; 0 where nothing can be read."""
        now = self._numbers("energy_uj")
        spent = sum(
            (after - before) % (limit + 1) for before, after, limit in zip(self.before, now, self.limits, strict=False)
        )
        self.before = now
        return spent / 1e6

    def _numbers(self, name: str) -> list[int]:
        """Return a number of each package; none where one cannot be read."""
        try:
            return [int((zone / name).read_text(encoding="ascii")) for zone in self.zones]
        except (OSError, ValueError):
            return []
