"""Everything that Feilun answers over HTTP, with tiny models behind it, on a real port."""

from __future__ import annotations

import importlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from feilun.bundles.bundle import open_bundle
from feilun.interfaces.console.console import with_console
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications import opinion_queries, public_opinion, recommendation
from feilun.interfaces.http.applications.customer_service import with_customer_service
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.access import Access
from feilun.serving.connection import patient_for
from feilun.serving.engine import Engine
from feilun.storage.database import open_database
from tiny_bundle import made_bundle

TESTS = Path(__file__).parents[1]
SERVICES = ("models", "recommendation")


@contextmanager
def applications(folder: Path, access: Access | None = None) -> Iterator[dict[str, FastAPI]]:
    """Build the service of models, with customer service, its page and opinions in it, and that of recommendation."""
    sys.path[:0] = [str(TESTS / "apps" / "customer_service"), str(TESTS / "apps" / "recommendation")]
    made_desk = importlib.import_module("made_service").desk
    made_shop = importlib.import_module("shops").made_shop
    with ExitStack() as exits:
        database = open_database(f"sqlite:///{folder / 'models.db'}")
        exits.callback(database.close)
        desk = made_desk(f"sqlite:///{folder / 'desk.db'}")
        exits.callback(desk.database.close)
        shop = open_database(f"sqlite:///{folder / 'shop.db'}")
        exits.callback(shop.close)
        bundle = open_bundle(made_bundle(folder / "reviews"), threads=1)
        feedback = FeedbackDesk(ObservationLog(database), lambda _: bundle.labels.names)
        pages = with_console(with_customer_service(_with_opinions, desk), "customer-service")
        models = pages(Engine({"reviews": bundle}), feedback, access)
        yield {"models": models, "recommendation": recommendation.create_app(made_shop(shop), access)}


def _with_opinions(engine: Engine, feedback: FeedbackDesk | None = None, access: Access | None = None) -> FastAPI:
    app = create_app(engine, feedback, access)
    app.include_router(public_opinion.router)
    app.include_router(opinion_queries.router)
    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application in a thread; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, http=patient_for(5), log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
