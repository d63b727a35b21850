"""Several bundles in one process, each answering its concurrent requests together; any of them replaced as it runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from feilun.bundles.bundle import Bundle
from feilun.core.errors import ServiceError, UsageError, nearest
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark, said_in
from feilun.serving.batcher import Batcher
from feilun.serving.canary_rollback import CanaryWatch, RollbackRule
from feilun.serving.limits import DeadlinePassed, Limits, Overloaded, Row
from feilun.serving.rows import answerer, blank_row, check_kind, kind_of_rows
from feilun.serving.sockets import Sockets
from feilun.serving.tracing import NoTracer, Tracer
from feilun.serving.trial import Comparison, Trial

log = logging.getLogger(__name__)


class UnknownModel(ServiceError):
    """No model of that name is served."""


@dataclass(frozen=True)
class Answer:
    """What one version of a model said.

    Args:
        model: name@version of the version.
        predictions: One a text, in their order.
    """

    model: str
    predictions: list[Prediction]


class Engine:
    """Answers by model name; `async with engine:` while it works.

    Args:
        bundles: Opened bundles by the name under which they answer.
        limits: How much one request may hold, and how much may wait for each model.
        trials: Versions that are tried beside the served ones, by the same names.
        rule: When a canary is taken back.
        tracer: Keeps where the time of requests goes; without it nothing is kept.

    Raises:
        UsageError: If a trial is of a model that is not served, or reads other rows than it.
    """

    def __init__(
        self,
        bundles: Mapping[str, Bundle],
        limits: Limits | None = None,
        trials: Mapping[str, Trial] | None = None,
        rule: RollbackRule | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.bundles = dict(bundles)
        self.limits = limits or Limits()
        self.trials = dict(trials or {})
        self.tracer: Tracer = tracer or NoTracer()
        self.ready = False
        self.sockets = Sockets(self.limits)
        self.compared: Callable[[Comparison], None] = lambda _: None
        """Is told what a version on trial answered beside the served one."""
        self._batchers: dict[str, Batcher] = {}
        self._tried: dict[str, Batcher] = {}
        self.beside: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """What is to run beside the answering, from start to end."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._canaries = {
            name: CanaryWatch(rule or RollbackRule()) for name, trial in self.trials.items() if not trial.shadows
        }
        self.recalled: Callable[[str, str], None] = lambda model, reason: None
        """Is told which canary was taken back, and why."""
        for name, trial in self.trials.items():
            self.check_same_rows(name, trial.bundle)

    async def __aenter__(self) -> Self:
        self._batchers = {name: self._started(name, bundle) for name, bundle in self.bundles.items()}
        self._tried = {name: self._started(name, trial.bundle) for name, trial in self.trials.items()}
        for work in self.beside:
            self._do(work())
        self.ready = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for batcher in (*self._batchers.values(), *self._tried.values()):
            await batcher.stop()
        self._batchers.clear()
        self._tried.clear()

    def leave(self) -> None:
        """Be ready no longer, but go on answering: the service is about to stop. Sockets are told to end."""
        self.ready = False
        self.sockets.leave()

    def bundle(self, name: str) -> Bundle:
        """Return a served bundle.

        Raises:
            UnknownModel: If none answers to that name; the nearest name is given.
        """
        if name not in self.bundles:
            raise UnknownModel(
                Remark(
                    f"No model {name!r} is served. {nearest(name, self.bundles)}",
                    f"没有提供模型 {name!r}。{said_in('zh', nearest(name, self.bundles))}",
                )
            )
        return self.bundles[name]

    async def answer(self, name: str, texts: Sequence[Row], client: str = "", key: str | None = None) -> Answer:
        """Predict texts with a model, together with what else asks it at that moment.

        Args:
            name: The model's name.
            texts: The texts; pairs of them where the model compares two.
            client: Who asks, so that nobody gets more than a share of the queue.
            key: Whom it is asked for: the same key gets the same version while one is tried.

        Returns:
            One prediction a text, in their order, and which version gave them.

        Raises:
            UnknownModel: If no model answers to that name.
            UsageError: If the model reads pairs and texts are given, or the other way round.
            TooLarge: If the request holds too much.
            ShareTaken: If too much of this client waits already.
            Overloaded: If too much waits already.
            DeadlinePassed: If it is not answered in time.
            ServiceError: If the engine is not running.
        """
        bundle, trial = self.bundle(name), self.trials.get(name)
        check_kind(bundle, texts)
        self.limits.check(texts)
        if name not in self._batchers:
            raise ServiceError(
                Remark("The service is not running.", "服务没有运行。"),
                Remark("Ask again in a moment.", "请稍后再问。"),
            )
        if trial is not None and trial.takes(texts, key):
            answer = await self._canary(name, trial, texts, client)
            if answer is not None:
                return answer
        began, version = time.perf_counter(), self.bundles[name].version  # which may have changed with a failed canary
        answer = Answer(f"{name}@{version}", await self._batchers[name].predict(texts, client))
        if trial is not None and name in self._canaries:
            self._canaries[name].served.add(time.perf_counter() - began)
        if trial is not None and trial.shadows:
            self._do(self._shadow(trial, self._tried[name], texts, answer))
        return answer

    async def _canary(self, name: str, trial: Trial, texts: Sequence[Row], client: str) -> Answer | None:
        """Let a canary answer; None where it fails, so that the served version answers instead."""
        watch, began = self._canaries[name], time.perf_counter()
        try:
            predictions = await self._tried[name].predict(texts, client)
        except DeadlinePassed:
            self._failed(name, trial)
            raise
        except Overloaded:  # too much is asked, which is no fault of the version
            raise
        except Exception as error:
            log.warning("%s failed, and the served version answers instead: %s", trial.model, type(error).__name__)
            self._failed(name, trial)
            return None
        watch.canary.add(time.perf_counter() - began)
        self._roll_back(name, trial)
        return Answer(trial.model, predictions)

    def _failed(self, name: str, trial: Trial) -> None:
        if name in self._canaries:
            self._canaries[name].canary.add(None)
            self._roll_back(name, trial)

    def _roll_back(self, name: str, trial: Trial) -> None:
        """Take a canary back where it does worse than the version beside it."""
        reason = self._canaries[name].verdict() if name in self._canaries else ""
        if not reason or self.trials.get(name) is not trial:
            return
        del self.trials[name], self._canaries[name]
        log.error("%s is taken back: %s.", trial.model, reason)
        self._do(self._tried.pop(name).stop())
        self.recalled(trial.model, reason)

    async def replace(self, name: str, bundle: Bundle) -> None:
        """Let another version answer from now on; what the former one was asked it still answers.

        A trial of that version is over with it.

        Args:
            name: The model's name.
            bundle: The version, opened.

        Raises:
            UnknownModel: If no model answers to that name.
            UsageError: If the version reads other rows than the one before.
        """
        self.check_same_rows(name, bundle)
        leaving = [self._batchers.get(name)]
        batcher = await asyncio.to_thread(self._warmed, name, bundle)
        batcher.start()
        self.bundles[name], self._batchers[name] = bundle, batcher
        if name in self.trials and self.trials[name].bundle.path == bundle.path:
            del self.trials[name]
            self._canaries.pop(name, None)
            leaving.append(self._tried.pop(name, None))
        for former in leaving:
            if former is not None:
                await former.finish()

    def check_same_rows(self, name: str, bundle: Bundle) -> None:
        """Refuse a version that reads other rows than the served one.

        Raises:
            UnknownModel: If no model answers to that name.
            UsageError: If one reads texts and the other pairs, or other features.
        """
        if kind_of_rows(self.bundle(name)) != kind_of_rows(bundle):
            raise UsageError(
                Remark(
                    f"{name}@{bundle.version} does not read what {name}@{self.bundle(name).version} reads: "
                    "one reads texts, the other pairs of texts.",
                    f"{name}@{bundle.version} 与 {name}@{self.bundle(name).version} 读的东西不同："
                    "一个读文本，另一个读文本对。",
                ),
                Remark("Serve it under another name.", "请换一个名称提供。"),
            )

    def _started(self, name: str, bundle: Bundle) -> Batcher:
        batcher = self._warmed(name, bundle)
        batcher.start()
        return batcher

    def _warmed(self, name: str, bundle: Bundle) -> Batcher:
        answer = answerer(bundle)
        answer([blank_row(bundle)])  # the first run allocates what the later ones use
        return Batcher(answer, f"{name}@{bundle.version}", self.limits, self.tracer)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shadow(self, trial: Trial, batcher: Batcher, texts: Sequence[Row], answer: Answer) -> None:
        """Ask a version on trial what was answered already; what it cannot take in time it is not asked again."""
        began = time.perf_counter()
        try:
            said = await batcher.predict(texts)
        except ServiceError:
            said = None
        self.compared(Comparison(trial.model, texts, answer.predictions, said, time.perf_counter() - began))


def by_name(bundles: Iterable[Bundle]) -> dict[str, Bundle]:
    """Return bundles by the name in their manifests.

    Raises:
        UsageError: If two have the same name.
    """
    named: dict[str, Bundle] = {}
    for bundle in bundles:
        if bundle.name in named:
            raise UsageError(
                Remark(
                    f"Two bundles are named {bundle.name!r}: {named[bundle.name].path} and {bundle.path}.",
                    f"有两个模型包都叫 {bundle.name!r}：{named[bundle.name].path} 和 {bundle.path}。",
                ),
                Remark(
                    "Serve one of them, or start a second service on another port.",
                    "请只提供其中一个，或在另一个端口启动第二个服务。",
                ),
            )
        named[bundle.name] = bundle
    return named
