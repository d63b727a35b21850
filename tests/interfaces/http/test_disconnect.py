"""What a client that went away still had waiting is not computed; the others are answered."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from feilun.bundles.bundle import open_bundle
from feilun.core.corpus import Corpus
from feilun.interfaces.http.app import create_app
from feilun.serving.engine import Engine
from tiny_bundle import made_bundle


class Slow:
    """A bundle that takes its time and remembers what it was asked."""

    def __init__(self, path: Path) -> None:
        self.bundle = open_bundle(path, threads=1)
        self.seen: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bundle, name)

    def predict(self, rows: Corpus) -> Any:
        self.seen += rows.text
        time.sleep(0.3)
        return self.bundle.predict(rows)


def ask(port: int, text: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/v1/predict/x", json.dumps({"text": text}), {"content-type": "application/json"})
    return connection


def test_client_that_went_away(tmp_path: Path) -> None:
    model = Slow(made_bundle(tmp_path / "b"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(create_app(Engine({"x": model})), log_level="error"))  # type: ignore[dict-item]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            first = ask(port, "first")
            until = time.monotonic() + 10
            while "first" not in model.seen and time.monotonic() < until:
                time.sleep(0.01)
            gone, stays = ask(port, "gone"), ask(port, "stays")
            time.sleep(0.1)
            gone.close()
            assert [one.getresponse().status for one in (first, stays)] == [200, 200]
        finally:
            server.should_exit = True
            thread.join(10)
    assert model.seen == ["", "first", "stays"]
