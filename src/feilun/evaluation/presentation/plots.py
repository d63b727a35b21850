"""Pictures of a report, as PNG and SVG, whose labels may be Chinese."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import MissingExtra
from feilun.core.files import atomic_file
from feilun.core.remark import Remark
from feilun.core.report import Report
from feilun.evaluation.presentation.fonts import columns, drawable, families, holds_chinese

BLUE, ORANGE, GREY = "#2563a8", "#d9782d", "#8a8f98"
MOST_IN_ONE = 40
"""Confusion matrices of more labels show only the most confused at a size that a screen holds."""

MOST_CONFUSED = 30
MOST_AT_ALL = 250
"""Beyond this a matrix of all labels is too large for any picture; report.json holds it."""

DOTS_PER_INCH = 120
FALLING = ("loss", "perplexity", "mae", "rmse")
RISING = ("accuracy", "f1", "auc", "r2", "ndcg@10", "mrr@10")
"""Ends of the names of figures that a learning curve shows."""

LearningCurve = Sequence[Mapping[str, float]]


def draw(report: Report, learning_curve: LearningCurve, folder: Path) -> list[Path]:
    """Draw the pictures of a run.

    Args:
        report: The report; what it lacks is not drawn.
        learning_curve: Figures by `step` (or `epoch`): losses and metrics, each row with some of them.
        folder: Where the files go; made where there is none.

    Returns:
        The files: confusion (of more than 40 labels the most confused, and confusion_all), reliability, coverage and
        learning_curve, each as .png and .svg.

    Raises:
        MissingExtra: If matplotlib is not installed.
        StorageError: If the folder cannot be written.
    """
    drawings: list[tuple[str, Callable[[], Any]]] = []
    if report.confusion:
        drawings += _confusions(report)
    if report.calibration:
        drawings.append(("reliability", lambda: _reliability(report)))
    if report.coverage:
        drawings.append(("coverage", lambda: _coverage(report)))
    files = [path for name, make in drawings for path in _save(make(), folder / name)]
    return files + draw_curve(learning_curve, folder)


def draw_curve(learning_curve: LearningCurve, folder: Path) -> list[Path]:
    """Draw how losses and metrics of a run went.

    Args:
        learning_curve: As for `draw`.
        folder: Where the files go; made where there is none.

    Returns:
        learning_curve.png and .svg; nothing where no figure of it is drawn.

    Raises:
        MissingExtra: If matplotlib is not installed.
        StorageError: If the folder cannot be written.
    """
    drawn = any(name.endswith((*FALLING, *RISING)) for row in learning_curve for name in row)
    return _save(_learning_curve(learning_curve), folder / "learning_curve") if drawn else []


def _save(figure: Any, path: Path) -> list[Path]:
    """Write a figure as .png and .svg, each drawn once: `savefig` would draw it twice, first to lay it out."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    png, svg = path.with_suffix(".png"), path.with_suffix(".svg")
    figure.set_dpi(DOTS_PER_INCH)
    with matplotlib.rc_context({"svg.hashsalt": "feilun"}):  # equal figures give equal files
        with atomic_file(png) as temporary:
            FigureCanvasAgg(figure).print_png(temporary, metadata={"Software": None})
        figure.set_layout_engine("none")  # laid out once is enough: half of the time with many labels
        with atomic_file(svg) as temporary:
            FigureCanvasSVG(figure).print_svg(temporary, metadata={"Date": None})
    return [png, svg]


def new_figure(width: float, height: float) -> tuple[Any, Any]:
    """Make a figure of its own, in inches; none of pyplot's global state."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "data", Remark("Drawing plots", "绘图")) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _say(english: str, chinese: str) -> str:
    """Label in both languages, or in English alone where no font holds Chinese."""
    return f"{english} {chinese}" if holds_chinese() else english


def entitle(axes: Any, title: str, across: str, up: str, size: float = 9) -> None:
    """Write a picture's title and what its axes show."""
    fonts = list(families())
    axes.set_title(title, fontfamily=fonts, fontsize=size + 2, loc="left", parse_math=False)
    axes.set_xlabel(across, fontfamily=fonts, fontsize=size, parse_math=False)
    axes.set_ylabel(up, fontfamily=fonts, fontsize=size, parse_math=False)


def legend(axes: Any) -> None:
    """Say which line is which."""
    axes.legend(frameon=False, prop={"family": list(families()), "size": 9})


def _confusion(counts: NDArray[np.int64], names: Sequence[str], title: str) -> Any:
    """Draw a confusion matrix: hits shaded blue, errors orange, each as a share of the true label's rows."""
    size = len(names)
    cell, font = next(
        (c, f) for most, c, f in ((12, 0.55, 9), (MOST_IN_ONE, 0.34, 7), (size, 0.17, 5.5)) if size <= most
    )
    shown = [drawable(name) for name in names]
    margin = 0.9 + max(map(columns, shown)) * font / 72 * 0.55
    figure, axes = new_figure(max(4.2, size * cell + margin), max(3.8, size * cell + margin + 0.2))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    hits = np.eye(size, dtype=bool)
    look = {"vmin": 0, "interpolation": "nearest"}
    axes.imshow(np.ma.masked_where(~hits, shares), cmap="Blues", vmax=1.2, **look)
    axes.imshow(np.ma.masked_where(hits | (counts == 0), shares), cmap="Oranges", vmax=0.6, **look)
    fonts = list(families())
    axes.set_xticks(
        range(size), shown, fontfamily=fonts, fontsize=font, rotation=90 if size > 4 else 0, parse_math=False
    )
    axes.set_yticks(range(size), shown, fontfamily=fonts, fontsize=font, parse_math=False)
    for axis, set_ticks in (("x", axes.set_xticks), ("y", axes.set_yticks)):
        set_ticks(np.arange(size + 1) - 0.5, minor=True)
        axes.tick_params(axis=axis, which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.grid(which="minor", color="#e4e7eb", linewidth=0.4)
    for row, column in np.argwhere(counts):
        dark = shares[row, column] > (0.7 if row == column else 0.4)
        colour = "white" if dark else "#222222"
        number = str(counts[row, column])
        axes.text(column, row, number, ha="center", va="center", fontsize=_fit(number, cell, font), color=colour)
    across, up = _say("predicted label", "预测标签"), _say("true label", "真实标签")
    entitle(axes, title, across, up, size=9 if size <= MOST_IN_ONE else 12)
    return figure


def _fit(number: str, cell: float, font: float) -> float:
    """Return the size in points at which a number fits a cell of so many inches, at most `font`."""
    return min(font, cell * 72 * 0.9 / (0.64 * len(number)))


def _confusions(report: Report) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name the confusion matrices to draw: one, or of many labels the most confused ones, and then all."""
    counts, title = np.array(report.confusion, dtype=np.int64), _say("Confusion matrix", "混淆矩阵")
    size = len(counts)
    if size <= MOST_IN_ONE:
        yield "confusion", lambda: _confusion(counts, report.labels, title)
        return
    errors = counts.sum(0) + counts.sum(1) - 2 * np.diagonal(counts)
    kept = np.sort(np.argsort(-errors, kind="stable")[:MOST_CONFUSED])
    rest = _say(f"(the other {size - MOST_CONFUSED})", f"其余 {size - MOST_CONFUSED} 类")
    some = _say(
        f"Confusion matrix: the {MOST_CONFUSED} of {size} labels with the most errors",
        f"混淆矩阵：{size} 类中错误最多的 {MOST_CONFUSED} 类",
    )
    group = np.full(size, MOST_CONFUSED)
    group[kept] = np.arange(MOST_CONFUSED)
    merged = np.zeros((MOST_CONFUSED + 1, MOST_CONFUSED + 1), dtype=np.int64)
    np.add.at(merged, (group[:, None], group[None, :]), counts)  # no row is left out: the rest share a line
    yield "confusion", lambda: _confusion(merged, [*(report.labels[i] for i in kept), rest], some)
    if size <= MOST_AT_ALL:
        yield "confusion_all", lambda: _confusion(counts, report.labels, title)


def _reliability(report: Report) -> Any:
    figure, axes = new_figure(5.2, 4.6)
    confidence, accuracy, counts = (
        np.array([row[key] for row in report.calibration]) for key in ("confidence", "accuracy", "count")
    )
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label=_say("as it says", "名副其实"))
    axes.plot(confidence, accuracy, color=BLUE, linewidth=1.5, label=_say("this model", "本模型"))
    axes.scatter(confidence, accuracy, s=12 + 300 * counts / counts.sum(), color=BLUE, alpha=0.75)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.05))
    legend(axes)
    error = report.metrics.get("expected_calibration_error")
    title = _say("Reliability", "可靠性") + (f" (ECE {error.value:.3f})" if error else "")
    entitle(axes, title, _say("score", "得分"), _say("accuracy", "准确率"))
    return figure


def _coverage(report: Report) -> Any:
    figure, axes = new_figure(5.2, 4.6)
    coverage, accuracy = (np.array([row[key] for row in report.coverage]) for key in ("coverage", "accuracy"))
    axes.plot(coverage, accuracy, color=BLUE, linewidth=1.5, label=_say("this model", "本模型"))
    # A majority class far below would flatten the curve: then its figure alone is given.
    lowest = max(0.0, float(accuracy.min()) - 0.15)
    share = "accuracy" if "accuracy" in report.metrics else "subset_accuracy"
    for (name, row), style in zip(report.baselines.items(), cycle(("--", ":", "-."))):
        below = row[share] < lowest
        label = f"{drawable(name, 40)} {row[share]:.3f}{' ↓' if below else ''}"
        axes.axhline(row[share], color=GREY, linewidth=0 if below else 1, linestyle=style, label=label)
    decided = report.decisions.get("decided", 0)
    if decided and report.decisions.get("to_person"):
        right = 1 - report.decisions["wrong"] / decided
        axes.scatter([decided / report.n], [right], color=ORANGE, zorder=3, label=_say("the threshold", "当前阈值"))
    axes.set(xlim=(0, 1.02), ylim=(lowest, 1.0 + 0.02 * (1 - lowest)))
    legend(axes)
    title = _say("Coverage and accuracy", "覆盖率与准确率")
    across = _say("share that the machine decides", "机器判定的比例")
    entitle(axes, title, across, _say("accuracy of those decided", "其准确率"))
    return figure


def _learning_curve(curve: LearningCurve) -> Any:
    """Draw what falls on the left axis, and what rises to 1 at most on the right one; equal figures as one line."""
    names = list(dict.fromkeys(name for row in curve for name in row))
    across = "step" if "step" in names else ("epoch" if "epoch" in names else None)
    falling = [name for name in names if name.endswith(FALLING)]
    rising = [name for name in names if name.endswith(RISING)]
    figure, axes = new_figure(6.4, 4.4)
    right = axes.twinx() if rising else None
    colours = (BLUE, ORANGE, "#3b8c5a", "#8a4fa3", "#b33a3a", GREY)
    lines = []
    called: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for name in falling + rising:
        series = tuple((row.get(across, i) if across else i, row[name]) for i, row in enumerate(curve) if name in row)
        called.setdefault(series, []).append(name)
    for index, (points, equal) in enumerate(called.items()):
        home = axes if equal[0] in falling or right is None else right
        style = {
            "color": colours[index % len(colours)],
            "marker": "o" if len(points) <= 20 else None,
            "markersize": 3,
            "linestyle": "-" if home is axes else "--",
        }
        lines += home.plot(*zip(*points, strict=True), label=drawable(", ".join(equal), 40), **style)
    if right is not None:
        right.spines["top"].set_visible(False)
        right.set_ylabel(_say("metric (dashed)", "指标（虚线）"), fontfamily=list(families()), fontsize=9)
    font = {"family": list(families()), "size": 9}
    figure.legend(handles=lines, loc="outside lower center", ncols=3, frameon=False, prop=font)
    steps = _say("step", "步") if across == "step" else _say("epoch", "轮")
    entitle(axes, _say("Learning curve", "学习曲线"), steps, _say("loss", "损失"))
    return figure
