"""What there is in FEILUN_HOME: registered bundles and runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feilun.bundles import registry
from feilun.bundles.stages import read_stages
from feilun.core import places
from feilun.core.files import read_json
from feilun.workflow.state.run_history import read_log


@dataclass(frozen=True)
class Registered:
    """A registered bundle, as its manifest and report describe it; nothing is verified.

    Args:
        name: Its name.
        version: Its version.
        path: Its folder.
        created: When it was made, ISO 8601.
        labels: How many labels it tells apart.
        accuracy: On its test rows.
        macro_f1: On its test rows.
        megabytes: Size of all its files.
        stage: champion, candidate, retired, or nothing.
    """

    name: str
    version: int
    path: str
    created: str
    labels: int
    accuracy: float | None
    macro_f1: float | None
    megabytes: float
    stage: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class RunFacts:
    """A run, as its folder describes it.

    Args:
        id: Name of its folder in FEILUN_HOME/runs.
        path: The folder.
        base: The base model.
        step: The last optimiser step that was logged.
        finished: Whether it came to a report.
        accuracy: On its test rows, where it came to a report.
        macro_f1: On its test rows, where it came to a report.
    """

    id: str
    path: str
    base: str
    step: int
    finished: bool
    accuracy: float | None
    macro_f1: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return asdict(self)


def registered() -> list[Registered]:
    """Return the registered bundles by name, newest first."""
    found = []
    for name in registry.names():
        stages = read_stages(places.registered() / name)
        for version in reversed(registry.versions(name)):
            folder = places.registered() / name / str(version)
            manifest, report = _read(folder / "manifest.json"), _read(folder / "report.json")
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            found.append(
                Registered(
                    name,
                    version,
                    str(folder),
                    str(manifest.get("created", "")),
                    len(report.get("labels", [])),
                    report.get("accuracy"),
                    report.get("macro_f1"),
                    round(size / 1e6, 1),
                    stages.of(version),
                )
            )
    return found


def runs() -> list[RunFacts]:
    """Return the runs, the one that was worked on last first."""
    files = sorted(places.runs().glob("*/run.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [_run(file.parent) for file in files]


def _run(folder: Path) -> RunFacts:
    facts = _read(folder / "run.json")
    report = facts.get("report", {})
    base = facts.get("recipe", {}).get("model", {}).get("base", "")
    steps = [int(line.get("step", 0)) for line in read_log(folder)]
    return RunFacts(
        folder.name, str(folder), str(base), max(steps, default=0), bool(report), report.get("accuracy"),
        report.get("macro_f1"),
    )  # fmt: skip


def _read(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}  # listed all the same: `feilun predict` says what is wrong with it
    return value if isinstance(value, dict) else {}


def applications() -> list[str]:
    """Return the names of the applications that were trained here; those of public opinion have no folder."""
    folders = [places.home() / kind for kind in ("applications", "recommendation")]
    return sorted({path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_dir()})
