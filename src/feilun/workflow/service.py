"""The online half: bundles and the engine that batches their requests, wired together and put on a port."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import resolve
from feilun.core.errors import BundleError, ServiceError, UsageError
from feilun.core.files import read_json
from feilun.core.places import registered
from feilun.core.remark import Remark, joined, said_in
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.access import Access
from feilun.serving.champion_follower import Follower
from feilun.serving.drain import DrainingServer, server_config
from feilun.serving.engine import Engine, by_name
from feilun.serving.limits import Limits
from feilun.serving.tracing import tracer_of_environment
from feilun.serving.trial import Trial
from feilun.storage import tokens
from feilun.storage.database import Database, open_database


def serve(
    bundles: Sequence[str],
    application: Callable[[Engine, FeedbackDesk | None, Access], Any],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    threads: int | None = None,
    observe: float = 1.0,
    limits: Limits | None = None,
    require_token: bool = False,
    hosts: Sequence[str] = (),
    trials: Mapping[str, float] | None = None,
    page: str | None = None,
    say: Callable[[str], Any] = print,
) -> None:
    """Serve bundles over HTTP until Ctrl-C or SIGTERM.

    Args:
        bundles: Folders, names of registered models, or `name@version`.
        application: Makes an ASGI application that asks an engine and remembers what it answers; it starts and stops
            the engine and the log with itself.
        host: Address to listen on; any but this machine's own asks for a token.
        port: TCP port; 0 takes a free one.
        threads: Processor threads a model; None uses all cores that this process may.
        observe: Share of the predictions that is remembered, 0 to 1; with 0 no database is opened.
        limits: How much a request may hold, and how much may wait.
        require_token: Ask for a token also on this machine's own addresses.
        hosts: Further names by which the service may be called.
        trials: Versions, NAME@VERSION, that are tried beside the served ones, with the share of the requests that each
            answers; with 0 it is only asked along.
        page: Path of the web page, where the application has one.
        say: Receives the addresses, a line each.

    Raises:
        UsageError: If a token is asked for and there is none, or two bundles have the same name.
        BundleError: If a bundle cannot be opened.
        ServiceError: If the port is in use or may not be used.
        StorageError: If the database cannot be opened.
        MissingExtra: If the environment asks for traces, and OpenTelemetry is not installed.
    """
    with ExitStack() as exits:
        guarded = require_token or not is_loopback(host)
        database = open_database() if guarded or observe > 0 else None
        if database is not None:
            exits.callback(database.close)
        access = access_to(host, database if guarded else None, hosts)
        listener = listen(host, port)
        exits.callback(listener.close)
        opened = by_name(open_bundle(bundle, threads=threads) for bundle in bundles)
        tracer = tracer_of_environment()
        exits.callback(tracer.close)
        engine = Engine(opened, limits, opened_trials(trials or {}, threads), tracer=tracer)
        following = followed(bundles, opened)
        engine.beside.append(Follower(engine, following, threads=threads).run)
        desk = None
        if database is not None and observe > 0:
            desk = FeedbackDesk(ObservationLog(database, observe), lambda bundle: labels_of(engine, bundle))
        _announce(engine, following, host, listener.getsockname()[1], page, say)
        config = server_config(application(engine, desk, access), engine.limits)
        DrainingServer(config, engine.leave, sockets=lambda: len(engine.sockets)).run(sockets=[listener])


def _announce(
    engine: Engine, following: Collection[str], host: str, port: int, page: str | None, say: Callable[[str], Any]
) -> None:
    """Say which models answer at which addresses, a line each."""
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    for name, bundle in engine.bundles.items():
        kept = Remark("  (follows its champion)", "  （跟随它的现任）") if name in following else ""
        say(joined([f"{name}@{bundle.version}  POST {address}/v1/predict/{quote(name)}", kept], "", ""))
    for trial in engine.trials.values():
        share = Remark(f"answers {trial.share:.1%} of the requests", f"回答 {trial.share:.1%} 的请求")
        say(joined([f"{trial.model}  ", Remark("asked along", "一并询问") if trial.shadows else share], "", ""))
    if page is not None:
        say(Remark(f"Web page: {address}{page}", f"网页：{address}{page}"))
    say(Remark(f"Documentation: {address}/docs  Stop with Ctrl-C.", f"接口文档：{address}/docs  按 Ctrl-C 停止。"))


def followed(references: Iterable[str], opened: Mapping[str, Bundle]) -> list[str]:
    """Return the models that were named without a version: they follow their champion while the service runs.

    Args:
        references: What the service was told to serve.
        opened: What that gave, by name.
    """
    registry = registered().resolve()
    return [name for name in references if name in opened and opened[name].path.resolve().parent.parent == registry]


def opened_trials(shares: Mapping[str, float], threads: int | None) -> dict[str, Trial]:
    """Open the versions that are to be tried, by the model's name.

    Raises:
        UsageError: If one is no version of a model, a share is none, or two are of one model.
        BundleError: If one cannot be opened.
    """
    found: dict[str, Trial] = {}
    for reference, share in shares.items():
        name, _, version = reference.partition("@")
        if not version or not 0 <= share < 1:
            raise UsageError(
                Remark(
                    f"{reference!r} with the share {share:g} cannot be tried.",
                    f"无法以份额 {share:g} 试用 {reference!r}。",
                ),
                Remark(
                    "Write --shadow NAME@VERSION, or --canary NAME@VERSION=SHARE with a share above 0 and below 1.",
                    "请写 --shadow NAME@VERSION，或 --canary NAME@VERSION=SHARE，份额大于 0、小于 1。",
                ),
            )
        if name in found:
            raise UsageError(
                Remark(f"Two versions of {name} are to be tried.", f"{name} 有两个版本要试用。"),
                Remark("Try one after the other.", "请一个一个来。"),
            )
        found[name] = Trial(open_bundle(reference, threads=threads), share)
    return found


def labels_of(engine: Engine, bundle: str) -> Collection[str]:
    """Return the labels that feedback on a bundle's predictions may name.

    Those of the served version and those of the version that answered: a label set may change between the two.

    Args:
        engine: What is served.
        bundle: What answered: name@version.
    """
    served = engine.bundles.get(bundle.rpartition("@")[0])
    return {*(served.labels.names if served else ()), *registered_labels(bundle)}


def registered_labels(bundle: str) -> tuple[str, ...]:
    """Return the labels of a registered bundle, name@version; none where it is not registered (any more)."""
    try:
        return tuple(read_json(resolve(bundle) / "labels.json"))
    except (BundleError, OSError, ValueError):
        return ()


def access_to(host: str, database: Database | None, hosts: Sequence[str] = ()) -> Access:
    """Decide who may ask a service.

    Args:
        host: The address on which it listens.
        database: Where the tokens are; None asks for none.
        hosts: Names by which it may be called besides this machine's own; without any, a service on an address that
            others reach may be called by all, as its callers must have a token.

    Returns:
        Who may.

    Raises:
        UsageError: If there is no valid token although one is asked for.
    """
    names = frozenset(name.lower() for name in hosts)
    checked = names if names or is_loopback(host) else None
    if database is None:
        return Access(hosts=checked)

    def read() -> list[tokens.Token]:
        with database.read() as connection:
            return tokens.valid(connection)

    if not read():
        near = is_loopback(host)
        reason = "" if near else Remark(": other machines could reach it", "：别的机器可以访问它")
        own = "" if near else Remark(", or use 127.0.0.1.", "，或者改用 127.0.0.1。")
        raise UsageError(
            Remark(
                f"The service does not listen on {host} without an access token{reason}.",
                f"没有访问令牌，服务不会监听 {host}{said_in('zh', reason)}。",
            ),
            Remark(
                f"Make one: feilun token create NAME --scope predict{own}",
                f"请创建一个：feilun token create NAME --scope predict{said_in('zh', own)}",
            ),
        )
    return Access(read, checked)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Take a port before any model is loaded.

    Raises:
        ServiceError: If it is in use, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio sends small answers at once only on sockets that say they are TCP
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR would share a port in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise ServiceError(
            Remark(
                f"Port {port} of {host} cannot be used: {error.strerror}.",
                f"无法使用 {host} 的端口 {port}：{error.strerror}。",
            ),
            Remark(
                "Stop what uses it, or choose another: --port 8081, or --port 0 for a free one.",
                "请停掉占用它的程序，或换一个端口：--port 8081；--port 0 会用任意空闲端口。",
            ),
        ) from error
    return listener
