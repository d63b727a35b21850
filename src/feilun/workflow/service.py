"""The online half: bundles and the engine that batches their requests, wired together and put on a port."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote

import uvicorn

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.core.errors import ServiceError, UsageError
from feilun.serving.engine import Engine, by_name


def serve(
    bundles: Sequence[str],
    application: Callable[[Engine], Any],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    threads: int | None = None,
    say: Callable[[str], Any] = print,
) -> None:
    """Serve bundles over HTTP until Ctrl-C or SIGTERM.

    Args:
        bundles: Folders, names of registered models, or `name@version`.
        application: Makes an ASGI application that asks an engine; it starts and stops the engine with itself.
        host: Address to listen on; only this machine's own.
        port: TCP port; 0 takes a free one.
        threads: Processor threads a model; None uses all cores that this process may.
        say: Receives the addresses, a line each.

    Raises:
        UsageError: If the address is not this machine's own, two bundles have the same name, or one compares two
            texts.
        BundleError: If a bundle cannot be opened.
        ServiceError: If the port is in use or may not be used.
    """
    check_address(host)
    listener = listen(host, port)
    try:
        opened = by_name(open_bundle(bundle, threads=threads) for bundle in bundles)
        refuse_pairs(opened.values())
        engine = Engine(opened)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        for name, bundle in engine.bundles.items():
            say(f"{name}@{bundle.version}  POST {address}/v1/predict/{quote(name)}")
        say(f"Documentation: {address}/docs  Stop with Ctrl-C.")
        config = uvicorn.Config(application(engine), log_level="warning", timeout_graceful_shutdown=10)
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()


def refuse_pairs(bundles: Iterable[Bundle]) -> None:
    """Refuse models that compare two texts: a request holds single ones.

    Raises:
        UsageError: If one does.
    """
    for bundle in bundles:
        if bundle.pair is not None:
            raise UsageError(
                f"The model {bundle.name} compares two texts, which the service cannot be asked yet.",
                f"Answer tables of pairs with: feilun predict {bundle.path} --file PAIRS.csv",
            )


def check_address(host: str) -> None:
    """Refuse addresses that other machines can reach: the service asks nobody who they are.

    Raises:
        UsageError: If `host` is not a loopback address.
    """
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(
            f"The service does not listen on {host}: other machines could reach it, and it has no access token yet.",
            "Listen on 127.0.0.1 and put a reverse proxy that checks who asks before it.",
        )


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
            f"Port {port} of {host} cannot be used: {error.strerror}.",
            "Stop what uses it, or choose another: --port 8081, or --port 0 for a free one.",
        ) from error
    return listener
