"""A server of feeds on this machine, which answers as a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from feilun.apps.public_opinion.sources.fetching import Fetcher

ITEM = "<item><guid>{0}</guid><title>青禾汽车召回新车 {0}</title><description>&lt;p&gt;刹车缺陷&lt;/p&gt;</description>"
ITEM += "<link>http://{1}/page/{0}</link><pubDate>Thu, 14 Jan 2027 08:00:00 GMT</pubDate></item>"


@dataclass
class Site:
    """A server that answers as it is told to, and remembers what it was asked."""

    address: str = ""
    answer: Callable[[BaseHTTPRequestHandler], None] = lambda _: None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str = "/feed") -> str:
        return f"http://{self.address}{path}"

    def rss(self, *numbers: int) -> bytes:
        items = "".join(ITEM.format(number, self.address) for number in numbers)
        return f"<rss version='2.0'><channel><title>财闻</title>{items}</channel></rss>".encode()


@contextmanager
def served() -> Iterator[Site]:
    """Run a server for the length of a block."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, dict(self.headers)))
            site.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def gives(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def local(**settings: Any) -> Fetcher:
    return Fetcher(("127.0.0.1",), loopback=True, **settings)
