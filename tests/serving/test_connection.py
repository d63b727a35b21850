"""A client that never finishes its headers is let go; one that does is answered."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

from feilun.serving.connection import patient_for

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
        clients = [(), (b"GET / HT",), (REQUEST, b"GET / HT")]
        answers = await asyncio.gather(*(_ends(port, *parts) for parts in clients))
        server.should_exit = True
        await serving
        return answers


def test_unfinished_headers_close_the_connection() -> None:
    silent, half, second_half = asyncio.run(_main())
    assert (silent, half) == (b"", b"")
    assert second_half.startswith(b"HTTP/1.1 200")
