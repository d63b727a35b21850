"""What the user sees while a recipe runs: nothing, or the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from feilun.core.remark import Language, Remark, joined, said_in
from feilun.core.report import Report
from feilun.core.splits import Splits
from feilun.data import render as data_report
from feilun.evaluation.presentation import terminal as report_rendering
from feilun.training.checkpoint import Progress as RunProgress
from feilun.training.fit import Watcher

FINE_TUNING, STEPS = Remark("fine-tuning", "微调"), Remark("steps", "步")


class Screen:
    """Shows nothing; `Terminal` shows all."""

    language: Language = "en"

    def say(self, text: str) -> None:
        """Show one line; a `Remark` in the user's language."""

    def show_data(self, splits: Splits) -> None:
        """Show the data report."""

    def show_report(self, report: Report) -> None:
        """Show the report beside its baselines."""

    @contextmanager
    def training(self, what: str = FINE_TUNING) -> Iterator[Watcher | None]:
        """Show a run while it goes on; `what` says what is done."""
        yield None


silent = Screen()


class Terminal(Screen):
    """Shows reports and progress on a terminal.

    Args:
        console: Where to, such as stdout; stderr where none is given.
        language: What it speaks.
    """

    def __init__(self, console: Console | None = None, language: Language = "en") -> None:
        self.console = console or Console(stderr=True, markup=False, emoji=False)
        self.language = language

    def say(self, text: str) -> None:
        """Show one line."""
        self.console.print(said_in(self.language, text), highlight=False)

    def show_data(self, splits: Splits) -> None:
        """Show the data report."""
        self.console.print(data_report.render(splits.report, self.language))

    def show_report(self, report: Report) -> None:
        """Show the report beside its baselines."""
        self.console.print(report_rendering.render(report, self.language))

    @contextmanager
    def training(self, what: str = FINE_TUNING) -> Iterator[Watcher | None]:
        """Show a run while it goes on; `what` says what is done."""
        shown = said_in(self.language, what)
        bar = Progress(
            TextColumn(f"[bold]{shown}"), BarColumn(),
            TextColumn(f"{{task.completed}}/{{task.total}} {said_in(self.language, STEPS)}"),
            TextColumn("{task.fields[figures]}"), TimeRemainingColumn(), console=self.console, transient=True,
            disable=not self.console.is_terminal,
        )  # fmt: skip
        with bar:
            yield _Bar(bar, self.language)


class _Bar:
    """A progress bar that shows speed, loss, learning rate and the last validation figures."""

    def __init__(self, bar: Progress, language: Language) -> None:
        self.bar = bar
        self.language = language
        self.task = bar.add_task("", total=None, figures="")

    def step(self, progress: RunProgress, total: int, figures: Mapping[str, float]) -> None:
        """Show the state after a step."""
        speed = f"{progress.tokens / max(progress.seconds, 1e-9):,.0f}"
        loss, rate = f"{figures['loss']:.3f}", f"{figures['learning_rate']:.1e}"
        said = [
            Remark(f"{speed} tokens/s", f"{speed} 词元/秒"), Remark(f"loss {loss}", f"损失 {loss}"),
            Remark(f"rate {rate}", f"学习率 {rate}"),
        ]  # fmt: skip
        if progress.best is not None:
            said.append(Remark(f"best {progress.best:.4f}", f"最佳 {progress.best:.4f}"))
        text = said_in(self.language, joined(said, " · ", " · "))
        self.bar.update(self.task, completed=progress.step, total=total, figures=text)
