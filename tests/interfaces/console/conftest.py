"""A real browser and a real server on a free port of this machine; without the browser these tests are left out."""

from __future__ import annotations

import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

for application in ("customer_service", "public_opinion", "recommendation"):
    sys.path.insert(0, str(Path(__file__).parents[2] / "apps" / application))

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")  # while Playwright runs, nothing else can start a loop of events
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """Pages of one browser profile, and what went wrong in them."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.faults: list[str] = []

    def open(self, address: str) -> Any:
        page = self.context.new_page()
        page.on("console", lambda said: self.faults.append(said.text) if "Security Policy" in said.text else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto(address)
        return page


@pytest.fixture
def visitor(chromium: Any) -> Iterator[Callable[..., Visitor]]:
    """Make visitors; at the end nothing went wrong in any of their pages."""
    made: list[Visitor] = []

    def visit(width: int = 1280) -> Visitor:
        context = chromium.new_context(viewport={"width": width, "height": 800})
        context.set_default_timeout(20_000)
        made.append(Visitor(context))
        return made[-1]

    yield visit
    faults = [fault for one in made for fault in one.faults]
    for one in made:
        one.context.close()
    assert faults == []


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application for the length of a block; gives its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def serving() -> Callable[[FastAPI], Any]:
    return served
