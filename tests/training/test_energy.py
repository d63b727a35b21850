"""Energy is read from the counters that Linux shows, across the point where they start anew."""

from __future__ import annotations

from pathlib import Path

from feilun.training.energy import EnergyMeter


def counters(folder: Path, *packages: int) -> Path:
    for number, microjoules in enumerate(packages):
        zone = folder / f"intel-rapl:{number}"
        (folder / f"intel-rapl:{number}:0").mkdir(parents=True, exist_ok=True)  # a part of the package: counts in it
        zone.mkdir(exist_ok=True)
        (zone / "max_energy_range_uj").write_text("9999999\n")
        (zone / "energy_uj").write_text(f"{microjoules}\n")
    return folder


def test_all_packages_count_and_a_counter_may_start_anew(tmp_path: Path) -> None:
    meter = EnergyMeter(counters(tmp_path, 1_000_000, 9_000_000))
    counters(tmp_path, 3_000_000, 500_000)
    assert meter.joules() == 2 + 1.5
    assert meter.joules() == 0


def test_what_cannot_be_read_is_nothing(tmp_path: Path) -> None:
    assert EnergyMeter(tmp_path).joules() == 0
    meter = EnergyMeter(counters(tmp_path, 1_000_000))
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    assert meter.joules() == 0
    counters(tmp_path, 5_000_000)
    assert meter.joules() == 0  # from when on is not known
