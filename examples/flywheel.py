"""The loop as a story: reviews whose mix moves from one kind to others, period by period, with the loop and without.

    python examples/flywheel.py hotel.csv food.csv shopping.csv --out flywheel

Each file is a table with the columns text and label. A model is trained on the first kind. Then, period by period,
texts of a moving mix are answered and observed, drift is looked for, people tell the label of a twentieth of the texts,
and the model is trained again where its policy says so. Beside it the first version answers the same texts: the curve
without the loop. Both are printed and plotted. Everything, the database too, is in the folder --out, made anew.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

Row = tuple[str, str]


def main(arguments: Sequence[str] | None = None) -> list[dict[str, object]]:
    """Tell the story; return a line for each period."""
    asked = _asked(arguments)
    asked.out.mkdir(parents=True)
    os.environ["FEILUN_HOME"] = str(asked.out / "home")
    os.environ["FEILUN_DATABASE"] = f"sqlite:///{asked.out / 'flywheel.db'}"
    kinds = [_shuffled(path, asked.seed) for path in asked.kinds]
    start, kinds[0] = kinds[0][: asked.start], kinds[0][asked.start :]
    recipe = _write_recipe(asked, start)
    from feilun.workflow import recipe as recipes
    from feilun.workflow.steps import train

    began = time.perf_counter()
    loaded = recipes.load(recipe)
    print(f"{train(loaded).name}@1 learned {len(start)} rows in {time.perf_counter() - began:.0f} s", flush=True)
    lines = []
    for number, rows in enumerate(_periods(kinds, asked.periods, asked.rows), 1):
        line = {"period": number, **_period(loaded, rows, random.Random(asked.seed + number), asked.share)}
        lines.append(line)
        print(json.dumps(line, ensure_ascii=False), flush=True)
    _plot(lines, asked.out / "flywheel.png")
    print(f"{time.perf_counter() - began:.0f} s in all; {asked.out / 'flywheel.png'}")
    return lines


def _period(recipe, rows: list[Row], source: random.Random, share: float) -> dict[str, object]:  # noqa: ANN001
    """Serve, observe, look for drift, take feedback, train again where it is due."""
    from feilun.bundles.bundle import open_bundle
    from feilun.core.errors import GateNotMet
    from feilun.monitoring.feedback import FeedbackDesk
    from feilun.monitoring.log import ObservationLog
    from feilun.storage.database import open_database
    from feilun.workflow.loop.monitor import Span, watch
    from feilun.workflow.loop.retrain import is_due, retrain

    champion, first = open_bundle(recipe.name), open_bundle(f"{recipe.name}@1")
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    answers = champion.predict(texts)
    others = answers if champion.version == first.version else first.predict(texts)
    database = open_database()
    try:
        with ObservationLog(database) as log:
            identities = log.observe(f"{recipe.name}@{champion.version}", texts, answers, 0.0)
            desk = FeedbackDesk(log, lambda _: champion.labels.names)
            for i in source.sample(range(len(rows)), round(share * len(rows))):
                desk.give(str(identities[i]), label=labels[i])
        (window,) = watch(champion, database, [Span(count=len(rows))])
        verdict, outcome = is_due(recipe, database), "not due"
        why = verdict.reasons
        if verdict.yes:
            try:
                result = retrain(recipe, database)
                outcome, why = result.outcome, (*verdict.reasons, *result.reasons)
            except GateNotMet as error:
                outcome, why = "gate not met", (error.problem,)
    finally:
        database.close()
    return {
        "champion": int(champion.version),
        "with": round(_accuracy([answer.label for answer in answers], labels), 4),
        "without": round(_accuracy([answer.label for answer in others], labels), 4),
        "drift": [one.name for one in window.drift.signals if one.drifted] if window.drift else [],
        "outcome": outcome,
        "why": list(why),
    }


def _periods(kinds: list[list[Row]], periods: int, rows: int) -> list[list[Row]]:
    """Draw the rows of each period, none twice, from a mix that moves evenly from the first kind to the last."""
    found = []
    for number in range(periods):
        place = number * (len(kinds) - 1) / max(1, periods - 1)
        earlier = min(int(place), len(kinds) - 2)
        later = round(rows * (place - earlier))
        wanted = {earlier: rows - later, earlier + 1: later}
        drawn = []
        for kind, count in wanted.items():
            if count > len(kinds[kind]):
                raise SystemExit(f"Period {number + 1} wants {count} rows, {len(kinds[kind])} are left: lower --rows.")
            drawn += kinds[kind][:count]
            del kinds[kind][:count]
        found.append(drawn)
    return found


def _shuffled(path: Path, seed: int) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list({row["text"]: row["label"] for row in csv.DictReader(file) if row["text"].strip()}.items())
    random.Random(seed).shuffle(rows)
    return rows


def _write_recipe(asked: argparse.Namespace, rows: list[Row]) -> Path:
    with (asked.out / "start.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    base = Path(asked.base).absolute() if Path(asked.base).exists() else asked.base
    recipe = asked.out / "flywheel.toml"
    recipe.write_text(
        f'name = "flywheel"\ntask = "classify"\n[data]\ntrain = "start.csv"\n'
        f"[model]\nbase = {json.dumps(str(base))}\nmax_tokens = {asked.max_tokens}\n{asked.model}\n"
        f'[compression]\nquantize = "{asked.quantize}"\n'
        f"[training]\nepochs = {asked.epochs}\nlearning_rate = {asked.learning_rate}\n"
        f"[retrain]\nlabels = {asked.labels}\nfewest_labels = {min(50, asked.labels)}\nheld_out = 0.3\n"
        f"alpha = {asked.alpha}\nmargin = {asked.margin}\n",
        encoding="utf-8",
    )
    return recipe


def _accuracy(said: Sequence[str | None], labels: Sequence[str]) -> float:
    return sum(one == label for one, label in zip(said, labels, strict=True)) / len(labels)


def _plot(lines: list[dict[str, object]], path: Path) -> None:
    """Draw both curves; a filled mark is a period after which a challenger was promoted, a star one with drift."""
    from feilun.core.files import atomic_file
    from feilun.evaluation.presentation.plots import BLUE, DOTS_PER_INCH, GREY, ORANGE, entitle, legend, new_figure

    figure, axes = new_figure(7.0, 4.0)
    periods = [int(str(line["period"])) for line in lines]
    for name, label, colour in (("without", "without the loop 不转", GREY), ("with", "with the loop 转起来", BLUE)):
        axes.plot(periods, [float(str(line[name])) for line in lines], color=colour, label=label)
    for line in lines:
        place = (int(str(line["period"])), float(str(line["with"])))
        axes.plot(*place, "o", color=BLUE, fillstyle="full" if line["outcome"] == "promoted" else "none")
        if line["drift"]:
            axes.plot(place[0], place[1] + 0.012, "*", color=ORANGE)
    entitle(axes, "The flywheel 飞轮: filled = promoted 换上新版, star = drift 漂移", "period 时期", "accuracy 准确率")
    axes.set_xticks(periods)
    legend(axes)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", type=Path, nargs="+", help="tables with text and label, from the first kind on")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--base", default="multilingual-e5-small")
    parser.add_argument("--start", type=int, default=1000, help="rows of the first kind to begin with")
    parser.add_argument("--periods", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1400, help="texts a period")
    parser.add_argument("--share", type=float, default=0.05, help="share of the texts whose label people tell")
    parser.add_argument("--labels", type=int, default=100, help="new labels that are a reason to train again")
    parser.add_argument("--alpha", type=float, default=0.2, help="chance that may make a challenger look better")
    parser.add_argument("--margin", type=float, default=0.01, help="accuracy that may be lost on the old test rows")
    parser.add_argument("--model", default="layers = 4", help="settings of [model]; empty keeps all layers")
    parser.add_argument("--quantize", default="none", help="int8 answers faster, and takes a minute longer to make")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", default="1e-4")
    parser.add_argument("--max-tokens", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    asked.out = asked.out.absolute()
    if len(asked.kinds) < 2:
        parser.error("two kinds or more: the mix moves from one to the next")
    if asked.out.exists():
        parser.error(f"{asked.out} is there already: name a new folder")
    return asked


if __name__ == "__main__":
    main()
