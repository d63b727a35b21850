"""Another process of a training as the one that gives it orders sees it."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from torch import Tensor

from feilun.core.corpus import Corpus
from feilun.core.errors import TrainingError
from feilun.core.remark import Remark
from feilun.models.text_model import TextModel
from feilun.training.settings import TrainingSettings
from feilun.training.workers.collective import Seat
from feilun.training.workers.worker import Outcome, work

LAST_WORD = 2.0
"""Seconds that a worker has to end by itself."""

GO_ON = Remark(
    "Run the same command with --resume to go on from the last checkpoint; with fewer --workers, where memory ran out.",
    "用同一命令加 --resume 从最后的检查点接着训练；若是内存不足，请减少 --workers。",
)
GUARD = Remark(
    'What it said stands above. A script that trains must do so below `if __name__ == "__main__":`, for each worker '
    "reads it anew.",
    '它的输出见上。训练脚本必须把训练放在 `if __name__ == "__main__":` 之下，因为每个工作进程都会重新读它。',
)


@contextmanager
def started(seat: Seat, make: Callable[[], TextModel], train: Corpus, settings: TrainingSettings) -> Iterator[Handle]:
    """Have another process build its model, and end it in the end.

    Args:
        seat: Its place.
        make: Builds the model; it is pickled.
        train: The training rows.
        settings: The table `[training]`, with its share of the threads.
    """
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=work, args=(seat, theirs, make, train, settings), daemon=True)
    with _signals_ignored():
        process.start()
    theirs.close()
    handle = Handle(seat, process, pipe)
    try:
        handle.order("build")
        yield handle
    finally:
        handle.end()


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Ignore Ctrl-C for a moment, so that a process that is started meanwhile ignores it from its first breath."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


class Handle:
    """Another process as this one sees it.

    Args:
        seat: Its place.
        process: The process itself.
        pipe: Takes orders and brings an answer to each.
    """

    def __init__(self, seat: Seat, process: BaseProcess, pipe: Any) -> None:
        self.seat, self.process, self.pipe = seat, process, pipe
        self.unanswered = 0
        self.has_begun = False

    def order(self, verb: str, *arguments: Any) -> None:
        """Have it call a method of `Worker`."""
        try:
            self.pipe.send((verb, *arguments))
        except OSError as error:
            raise self._ended() from error
        self.unanswered += 1

    def answer(self) -> Any:
        """Return what came of its last order, once all are done.

        Raises:
            torch.OutOfMemoryError: If its memory ran out in one of them.
            TrainingError: If one failed otherwise, or the process has ended.
        """
        result = None
        while self.unanswered:
            outcome, result = self._receive()
            if outcome is Outcome.OUT_OF_MEMORY:
                raise torch.OutOfMemoryError(f"Worker {self.seat.rank} is out of memory.")
            if outcome is Outcome.FAILED:
                raise TrainingError(
                    Remark(
                        f"Worker {self.seat.rank} of {self.seat.size} failed: {result}",
                        f"第 {self.seat.rank} 个工作进程（共 {self.seat.size} 个）失败：{result}",
                    )
                )
        return result

    def logits(self, device: torch.device) -> Tensor:
        """Return the logits that it was asked for; their gradient goes back to it."""
        logits = torch.from_numpy(self.answer()).to(device).requires_grad_()
        logits.register_hook(lambda gradient: self.order("backward", gradient.cpu().numpy()))  # type: ignore[no-untyped-call]
        return logits

    def forget(self) -> None:
        """Wait for the answers that are left, and take no notice of them."""
        while self.unanswered:
            self._receive()

    def refuse_if_ended(self, error: Exception) -> None:
        """Raise a `TrainingError` where the process has ended."""
        self.process.join(LAST_WORD)
        if not self.process.is_alive():
            raise self._ended() from error

    def end(self) -> None:
        """End the process, by force where it does not hear."""
        try:
            self.pipe.send(None)
            self.process.join(LAST_WORD)
        except OSError:
            pass
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def _receive(self) -> tuple[Outcome, Any]:
        try:
            answer: tuple[Outcome, Any] = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        self.unanswered -= 1
        self.has_begun = True
        return answer

    def _ended(self) -> TrainingError:
        self.process.join(LAST_WORD)
        code = self.process.exitcode or 0
        how = (
            Remark(f"killed by {signal.Signals(-code).name}", f"被 {signal.Signals(-code).name} 终止")
            if code < 0
            else Remark(f"with exit code {code}", f"退出码 {code}")
        )
        remedy = GO_ON if self.has_begun or code < 0 else GUARD
        return TrainingError(
            Remark(
                f"Worker {self.seat.rank} of {self.seat.size} has ended, {how}.",
                f"第 {self.seat.rank} 个工作进程（共 {self.seat.size} 个）已结束：{how.chinese}。",
            ),
            remedy,
        )
