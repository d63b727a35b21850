"""The story of the loop, told with a tiny model: where words change, the loop follows and the first version fails."""

from __future__ import annotations

import csv
import importlib.util
import random
from pathlib import Path

import pytest

from tiny import WORDS, save_tiny_base

STORY = Path(__file__).parents[1] / "examples" / "flywheel.py"
PLAIN = [word for word in WORDS if word not in {"good", "bad", "很好", "很差"}]


def table(path: Path, words: dict[str, str], rows: int, seed: int) -> Path:
    """Write texts whose label can be read off one word."""
    source = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        for _ in range(rows):
            chosen = source.choices(PLAIN, k=source.randint(4, 9))
            label = source.choice(list(words))
            chosen.insert(source.randrange(len(chosen) + 1), words[label])
            writer.writerow((" ".join(chosen), label))
    return path


@pytest.mark.slow
def test_the_loop_follows_where_the_first_version_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FEILUN_HOME", "FEILUN_DATABASE"):
        monkeypatch.setenv(name, "restored afterwards")
    save_tiny_base(tmp_path / "base")
    kinds = [
        table(tmp_path / "one.csv", {"good": "good", "bad": "bad"}, 1000, 1),
        table(tmp_path / "two.csv", {"good": "很好", "bad": "很差"}, 1000, 2),
    ]
    spec = importlib.util.spec_from_file_location("flywheel", STORY)
    assert spec is not None
    assert spec.loader is not None
    story = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(story)
    settings = {
        "out": tmp_path / "out", "base": tmp_path / "base", "start": 250, "periods": 4, "rows": 200, "share": 0.5,
        "labels": 50, "epochs": 10, "learning-rate": 3e-3, "max-tokens": 16, "alpha": 0.05, "margin": 0.05, "model": "",
    }  # fmt: skip
    lines = story.main([*map(str, kinds), *(f"--{name}={value}" for name, value in settings.items())])
    assert [line["period"] for line in lines] == [1, 2, 3, 4]
    assert lines[0]["with"] == lines[0]["without"]  # one model still
    assert lines[0]["outcome"] != "promoted"  # nothing has changed yet
    assert "promoted" in {line["outcome"] for line in lines[:3]}
    assert lines[3]["with"] > lines[3]["without"] + 0.2
    assert lines[2]["drift"]
    assert (tmp_path / "out" / "flywheel.png").stat().st_size > 1000
