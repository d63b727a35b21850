"""A client that never finishes its headers, or never reads its answer, is let go; one that does is answered."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import uvicorn

from feilun.serving.connection import patient_for, patient_socket_for

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def _app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def _ends(port: int, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)
    answer = await asyncio.wait_for(reader.read(), 3)
    writer.close()
    return answer


async def _main() -> list[bytes]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(_app, http=patient_for(0.3), lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        port = listener.getsockname()[1]
        endless = (b"GET / HTTP/1.1\r\nX: ", *[b"x" * 20_000] * 4)
        clients = [
            (),
            (b"GET / HT",),
            (REQUEST, b"GET / HT"),
            endless,
            (REQUEST[:-2] + b"X: " + b"x" * 20_000, REQUEST[-4:], b"GET / HT"),
        ]
        answers = await asyncio.gather(*(_ends(port, *parts) for parts in clients))
        server.should_exit = True
        await serving
        return answers


def test_unfinished_headers_close_the_connection() -> None:
    silent, half, second_half, _, _ = asyncio.run(_main())
    assert (silent, half) == (b"", b"")
    assert second_half.startswith(b"HTTP/1.1 200")


def test_headers_without_end_are_refused_and_long_ones_are_not() -> None:
    *_, endless, long = asyncio.run(_main())
    assert endless.startswith(b"HTTP/1.1 400")
    assert long.startswith(b"HTTP/1.1 200")


PIECE = b"x" * 65536


async def _long(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _read_slowly(app, pause: float) -> bool:
    """Ask, read nothing for a while, then all; return whether the answer came whole."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=patient_for(0.3), lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1], limit=1024)
        writer.write(REQUEST)
        await asyncio.sleep(pause)
        try:
            answer = await asyncio.wait_for(reader.read(100_000_000), 10)
            while part := await asyncio.wait_for(reader.read(100_000_000), 10):
                answer = answer[-16:] + part
        except ConnectionError:
            answer = b""
        writer.close()
        server.should_exit = True
        await serving
        return answer.endswith(b"0\r\n\r\n")


def test_a_client_that_does_not_read_is_let_go_and_one_that_pauses_is_not() -> None:
    assert not asyncio.run(_read_slowly(_long, 1.5))
    assert asyncio.run(_read_slowly(_long, 0.05))


async def _sends_without_end(scope, receive, send):
    await send({"type": "websocket.accept"})
    with contextlib.suppress(OSError):
        while True:
            await send({"type": "websocket.send", "bytes": PIECE})
    scope["state"]["ended"].set()


async def _unread_socket() -> bool:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = asyncio.Event()

        async def app(scope, receive, send):
            await _sends_without_end({**scope, "state": {"ended": ended}}, receive, send)

        config = uvicorn.Config(app, ws=patient_socket_for(0.3), lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        _, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1], limit=1024)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), 5)
        writer.transport.abort()
        server.should_exit = True
        await serving
        return ended.is_set()


def test_a_socket_whose_client_does_not_read_is_cut_off() -> None:
    assert asyncio.run(_unread_socket())
