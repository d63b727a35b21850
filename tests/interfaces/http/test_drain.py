"""A real server that is told to stop answers all that it has taken, and says beforehand that it stops."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tiny_bundle import made_bundle

START = """
import sys, time
from feilun.interfaces.http.app import create_app
from feilun.workflow import service
class Slow:
    def __init__(self, bundle):
        self.bundle = bundle
    def __getattr__(self, name):
        return getattr(self.bundle, name)
    def predict(self, texts):
        time.sleep(0.04)
        return self.bundle.predict(texts)
def application(engine, desk, access):
    engine.bundles = {name: Slow(bundle) for name, bundle in engine.bundles.items()}
    return create_app(engine, desk, access)
try:
    service.serve(sys.argv[1:], application, port=0, threads=1, observe=0, say=lambda line: print(line, flush=True))
finally:
    print("left", flush=True)
"""


def ask(port: int, method: str, path: str, body: object = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def ready_within(port: int, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask(port, "GET", "/readyz")
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_fifty_slow_requests_survive_a_stop(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(made_bundle(tmp_path / "b"))],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = re.search(r":(\d+)(/v1/predict/\S+)", process.stdout.readline())
        assert found
        port, path = int(found[1]), found[2]
        assert ready_within(port, 20) == 200
        with ThreadPoolExecutor(50) as pool:
            body = {"text": "good " * 1600}  # two do not fit into one run
            asked = [pool.submit(ask, port, "POST", path, body) for _ in range(50)]
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            assert ask(port, "GET", "/readyz") == 503
            assert ask(port, "GET", "/healthz") == 200
            assert not all(one.done() for one in asked)
            assert [one.result() for one in asked] == [200] * 50
        assert process.wait(10) == 0
        assert process.stdout.read().endswith("left\n")  # the blocks around the service are left as ever
    finally:
        process.kill()
        process.communicate()
