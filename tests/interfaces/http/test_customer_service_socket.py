"""Customer service over a WebSocket: a real client and a real server; guarded, limited and ordered like turns."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import ClientConnection, connect

sys.path.insert(0, str(Path(__file__).parents[2] / "apps" / "customer_service"))
from made_service import desk as made_desk

from feilun.interfaces.console.console import with_console
from feilun.interfaces.http import guard
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.customer_service import with_customer_service
from feilun.serving.access import Access
from feilun.serving.connection import patient_for, patient_socket_for
from feilun.serving.engine import Engine
from feilun.serving.limits import Limits
from feilun.storage import tokens
from feilun.workflow.service import listen

BASE = "/v1/apps/customer-service"
LIMITS = Limits(body_bytes=200_000, depth=4, sockets=3)


@contextmanager
def served(folder: Path, access: Access | None = None) -> Iterator[SimpleNamespace]:
    """Serve a bank on a free port; gives the desk and both addresses."""
    with closing(listen("127.0.0.1", 0)) as listener:
        desk = made_desk(f"sqlite:///{folder / 'a.db'}")
        app = with_console(with_customer_service(create_app, desk), "customer-service")(
            Engine({}, LIMITS), None, access or Access(hosts=frozenset())
        )
        config = uvicorn.Config(
            app, log_level="critical", http=patient_for(5), ws=patient_socket_for(5), ws_max_size=LIMITS.body_bytes
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield SimpleNamespace(desk=desk, socket=f"ws://{place}{BASE}/socket", http=f"http://{place}")
        finally:
            server.should_exit = True
            thread.join()
            desk.database.close()


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[SimpleNamespace]:
    with served(tmp_path) as running:
        yield running


def heard(socket: ClientConnection) -> dict:  # type: ignore[type-arg]
    return json.loads(socket.recv(10))


def say(socket: ClientConnection, text: str) -> dict:  # type: ignore[type-arg]
    socket.send(json.dumps({"text": text}))
    return heard(socket)


def test_a_conversation_is_held_with_all_that_turns_give(bank):
    with connect(bank.socket) as socket:
        assert heard(socket) == {"event": "open", "conversation": None}
        asked = say(socket, "转账查证需要什么？")
        assert (asked["event"], asked["action"]) == ("reply", "ask_slot")
        filled = say(socket, "单号 20261124")
        assert (filled["action"], filled["conversation"]) == ("answer", asked["conversation"])
    answer = httpx.post(f"{bank.http}{BASE}/turns", json={"text": "转账查证需要什么？"}).json()
    assert set(answer) | {"event"} == set(asked)
    with connect(f"{bank.socket}?conversation={asked['conversation']}") as socket:
        assert heard(socket)["conversation"] == asked["conversation"]
        assert say(socket, "卡丢了怎么办")["conversation"] == asked["conversation"]


def test_what_a_person_writes_comes_at_once_and_what_was_missed_on_coming_back(bank):
    desk = bank.desk
    with connect(bank.socket) as socket, connect(bank.socket) as stranger:
        heard(socket)
        assert heard(stranger)["event"] == "open"
        handed = say(socket, "转人工")
        conversation = handed["conversation"]
        desk.take(conversation)
        assert say(socket, "在吗")["action"] == "silent"
        first = desk.write(conversation, "您好，我是小王。")
        told = heard(socket)
        assert (told["event"], told["speaker"], told["id"], told["text"]) == (
            "turn",
            "person",
            first,
            "您好，我是小王。",
        )
        with pytest.raises(TimeoutError):
            stranger.recv(0.2)
    missed = desk.write(conversation, "您的卡已挂失。")
    with connect(f"{bank.socket}?conversation={conversation}&after={first}") as socket:
        heard(socket)
        assert heard(socket)["id"] == missed
        desk.write(conversation, "还有别的事吗？")
        assert heard(socket)["text"] == "还有别的事吗？"


def test_messages_in_a_row_are_all_kept_and_the_last_of_them_is_answered(bank):
    with connect(bank.socket) as socket:
        heard(socket)
        for number in range(50):
            socket.send(json.dumps({"text": f"卡丢了怎么办{number % 5 * '？'}"}))
        replies = [heard(socket) for _ in range(50)]
    (conversation,) = {one["conversation"] for one in replies}
    turns = bank.desk.history(conversation)
    said = [turn.text.count("？") for turn in turns if turn.speaker == "customer"]
    assert said == [number % 5 for number in range(50)]
    assert sum(turn.speaker == "bot" for turn in turns) == sum(one["action"] != "silent" for one in replies)
    assert turns[-1].speaker == "bot"


@pytest.mark.parametrize(
    ("message", "status", "said"),
    [
        ("not JSON", 422, "not JSON"),
        ('{"words": "a"}', 422, "text: Field required"),
        ('{"text": 5}', 422, "text"),
        ('{"text": "a", "customer": [[[[[]]]]]}', 422, "more than 4 deep"),
        (b"\xff\x00", 422, "not JSON"),
        (json.dumps({"text": "a" * 150_000}), 422, "at most 100000 characters"),
        ('{"text": "\\ud800"}', 422, "not JSON"),
    ],
)
def test_a_wrong_message_is_answered_with_its_fault_and_the_socket_stays_open(bank, message, status, said):
    with connect(bank.socket) as socket:
        heard(socket)
        socket.send(message)
        fault = heard(socket)
        assert (fault["event"], fault["status"]) == ("error", status)
        assert said in fault["error"]["message"]
        assert say(socket, "卡丢了怎么办")["action"] == "answer"


def test_a_message_that_is_too_large_closes_the_socket(bank):
    with connect(bank.socket) as socket:
        heard(socket)
        socket.send("a" * (LIMITS.body_bytes + 1))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)
        assert closed.value.rcvd.code == 1009


def refused(address: str, **options: object) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as raised, connect(address, **options):  # type: ignore[arg-type]
        pass
    answer = raised.value.response
    return answer.status_code, json.loads(answer.body)["error"]["message"]


def test_who_may_not_ask_is_told_why_before_the_socket_opens(bank):
    assert refused(f"{bank.socket}?conversation={'0' * 32}")[0] == 404
    begun = bank.desk.say("卡丢了怎么办").conversation
    assert refused(f"{bank.socket}?conversation={begun}&after=none")[0] == 404
    status, said = refused(bank.socket, origin="https://evil.example")
    assert (status, "may not ask" in said) == (403, True)
    with connect(bank.socket, origin=bank.http):
        pass
    status, said = refused(bank.socket.replace("/socket", "/nothing"), origin="https://evil.example")
    assert status == 403
    answer = httpx.get(f"{bank.http}{BASE}/socket")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


def test_no_more_sockets_are_open_than_may(bank):
    with ExitStack() as opened:
        for _ in range(LIMITS.sockets - 1):
            opened.enter_context(connect(bank.socket))
        with connect(bank.socket):
            status, said = refused(bank.socket)
            assert (status, "3 sockets are open already" in said) == (503, True)
        deadline = time.monotonic() + 5
        while True:
            try:
                opened.enter_context(connect(bank.socket))
                break
            except InvalidStatus:
                assert time.monotonic() < deadline


def test_tokens_hold_for_sockets_and_one_that_is_revoked_closes_them(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "KNOWN_SECONDS", 0.0)
    with closing(made_desk(f"sqlite:///{tmp_path / 'a.db'}").database) as database:
        with database.write() as connection:
            own = tokens.create(connection, "own", ["predict"], "bank")
            other = tokens.create(connection, "other", ["predict"], "shop")
            lesser = tokens.create(connection, "lesser", ["feedback"])

        def read():
            with database.read() as connection:
                return tokens.valid(connection)

        with served(tmp_path, Access(read)) as bank:
            bearer = {name: {"Authorization": f"Bearer {secret}"} for name, secret in (("own", own), ("other", other))}
            assert refused(bank.socket)[0] == 401
            assert refused(bank.socket, additional_headers=bearer["other"])[0] == 403
            assert refused(bank.socket, subprotocols=["feilun", f"feilun.token.{lesser}"])[0] == 403
            assert refused(bank.socket, subprotocols=["feilun", "feilun.token.wrong"])[0] == 401
            signed_in = httpx.post(f"{bank.http}/v1/session", headers={**bearer["own"], "Origin": bank.http})
            cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in signed_in.cookies.items())}
            assert refused(bank.socket, additional_headers=cookie, origin="https://evil.example")[0] == 401
            assert refused(bank.socket, additional_headers=cookie)[0] == 401
            with connect(bank.socket, additional_headers=cookie, origin=bank.http) as socket:
                assert heard(socket)["event"] == "open"
            with (
                connect(bank.socket, subprotocols=["feilun", f"feilun.token.{own}"]) as socket,
                connect(bank.socket, additional_headers=bearer["own"]) as silent,
            ):
                assert socket.subprotocol == "feilun"
                heard(socket)
                heard(silent)
                conversation = say(silent, "转人工")["conversation"]
                assert say(socket, "卡丢了怎么办")["action"] == "answer"
                bank.desk.take(conversation)
                with database.write() as connection:
                    tokens.revoke(connection, "own")
                bank.desk.write(conversation, "您好")
                for one in (socket, silent):
                    if one is socket:
                        one.send(json.dumps({"text": "卡丢了怎么办"}))
                    with pytest.raises(ConnectionClosed) as closed:
                        one.recv(10)
                    assert closed.value.rcvd.code == 1008
            assert [turn.speaker for turn in bank.desk.history(conversation)] == ["customer", "bot", "person"]


START = """
import sys, time
sys.path.insert(0, sys.argv[1])
from made_service import desk as made_desk
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.customer_service import with_customer_service
from feilun.workflow import service
desk = made_desk("sqlite:///" + sys.argv[2])
answer = desk.ladder.answer
def slowly(*asked):
    time.sleep(1.5)
    return answer(*asked)
desk.ladder.answer = slowly
service.serve((), with_customer_service(create_app, desk), port=0, observe=0, say=lambda line: print(line, flush=True))
"""


def test_a_service_that_stops_answers_what_it_has_taken_and_closes_each_socket(tmp_path):
    made_desk(f"sqlite:///{tmp_path / 'a.db'}").database.close()
    folder = str(Path(__file__).parents[2] / "apps" / "customer_service")
    process = subprocess.Popen(
        [sys.executable, "-c", START, folder, str(tmp_path / "a.db")],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = re.search(r":(\d+)/docs", process.stdout.readline())
        assert found
        address = f"ws://127.0.0.1:{found[1]}{BASE}/socket"
        with connect(address, open_timeout=20) as idle, connect(address) as asking:
            heard(idle)
            heard(asking)
            asking.send(json.dumps({"text": "卡丢了怎么办"}))
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            assert heard(asking)["text"] == "请在掌银里挂失。"
            for socket in (idle, asking):
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(10)
                assert closed.value.rcvd.code == 1001
            assert refused_or_gone(address)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


def refused_or_gone(address: str) -> bool:
    try:
        return refused(address)[0] == 503
    except (OSError, InvalidMessage):  # no longer listened to, or cut off before an answer
        return True
