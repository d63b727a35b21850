"""Customer service over HTTP: turns, the queue, feedback and candidates; guarded like the rest."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[2] / "apps" / "customer_service"))
from made_service import desk as made_desk

from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.customer_service import with_customer_service
from feilun.interfaces.http.guard import scope_of
from feilun.serving.access import Access
from feilun.serving.engine import Engine
from feilun.storage import tokens

BASE = "/v1/apps/customer-service"


@pytest.fixture
def client(tmp_path):
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    with TestClient(with_customer_service(create_app, desk)(Engine({}))) as opened:
        yield opened
    desk.database.close()


def test_a_turn_is_answered_with_all_that_a_reply_has(client):
    said = client.post(f"{BASE}/turns", json={"text": "卡丢了怎么办"}).json()
    assert said["action"] == "answer"
    assert set(said) >= {
        "text",
        "citations",
        "confidence",
        "intent",
        "slots",
        "handoff",
        "trace",
        "conversation",
        "turn",
    }


def test_an_unknown_conversation_is_404_and_a_wrong_body_422(client):
    assert client.post(f"{BASE}/turns", json={"text": "a", "conversation": "0" * 32}).status_code == 404
    assert client.post(f"{BASE}/turns", json={"text": 5}).status_code == 422
    assert client.post(f"{BASE}/turns", json={"text": "a", "tenant": "b"}).status_code == 422
    for number in ("1e999", "NaN"):  # no decision table compares with it
        body, kind = f'{{"text": "a", "customer": {{"level": {number}}}}}', {"content-type": "application/json"}
        assert client.post(f"{BASE}/turns", content=body, headers=kind).status_code == 422


def test_a_person_takes_a_conversation_and_gives_it_back(client):
    handed = client.post(f"{BASE}/turns", json={"text": "转人工"}).json()["conversation"]
    assert client.get(f"{BASE}/handoffs").json()["waiting"][0]["id"] == handed
    assert client.post(f"{BASE}/handoffs/{handed}/take").status_code == 204
    assert client.post(f"{BASE}/handoffs/{handed}/turns", json={"text": "您好"}).status_code == 200
    assert client.get(f"{BASE}/handoffs/{handed}/suggestion").json() == {"question": None, "suggestion": None}
    assert client.post(f"{BASE}/handoffs/{handed}/give-back").status_code == 204
    speakers = [turn["speaker"] for turn in client.get(f"{BASE}/conversations/{handed}").json()["turns"]]
    assert speakers == ["customer", "bot", "person"]


def test_a_suggestion_names_the_question_that_it_answers(client):
    handed = client.post(f"{BASE}/turns", json={"text": "卡丢了怎么办"}).json()["conversation"]
    client.post(f"{BASE}/turns", json={"text": "转人工", "conversation": handed})
    found = client.get(f"{BASE}/handoffs/{handed}/suggestion").json()
    assert (found["question"], found["suggestion"]["text"]) == ("卡丢了怎么办", "请在掌银里挂失。")


def test_an_approved_candidate_answers_the_next_question(client):
    client.post(f"{BASE}/turns", json={"text": "能代收快递吗"})
    (candidate,) = client.get(f"{BASE}/candidates").json()["candidates"]
    assert client.post(f"{BASE}/candidates/{candidate['id']}/approve", json={"answer": "不能。"}).status_code == 200
    assert client.post(f"{BASE}/turns", json={"text": "能代收快递吗"}).json()["text"] == "不能。"


def test_a_candidate_becomes_a_further_way_to_ask_an_entry(client):
    client.post(f"{BASE}/turns", json={"text": "帮我把年费的钱退回来"})
    (candidate,) = client.get(f"{BASE}/candidates").json()["candidates"]
    at = f"{BASE}/candidates/{candidate['id']}"
    found = {one["question"]: one["id"] for one in client.get(f"{at}/similar").json()["entries"]}
    entry = found["信用卡年费怎么减免？"]
    assert client.post(f"{at}/approve", json={"entry": entry, "answer": "不退。"}).status_code == 422
    assert client.post(f"{at}/approve", json={"entry": "none"}).status_code == 404
    assert client.post(f"{at}/approve", json={"entry": entry}).json()["question"] == "信用卡年费怎么减免？"
    assert client.post(f"{BASE}/turns", json={"text": "帮我把年费的钱退回来"}).json()["text"] == "刷满六笔。"
    assert client.get(f"{at}/similar").status_code == 404


def test_feedback_is_taken_on_replies_alone(client):
    turn = client.post(f"{BASE}/turns", json={"text": "卡丢了怎么办"}).json()["turn"]
    assert client.post(f"{BASE}/feedback", json={"turn": turn, "helpful": False}).status_code == 204
    assert client.post(f"{BASE}/feedback", json={"turn": "none", "helpful": True}).status_code == 404


def test_customers_need_predict_and_operators_admin():
    assert scope_of(f"{BASE}/turns") == "predict"
    assert scope_of(f"{BASE}/feedback") == "feedback"
    assert scope_of(f"{BASE}/handoffs") == "admin"
    assert scope_of(f"{BASE}/conversations/x") == "admin"


def test_a_person_reads_a_summary_and_how_long_somebody_waits(client):
    handed = client.post(f"{BASE}/turns", json={"text": "转人工"}).json()["conversation"]
    assert client.get(f"{BASE}/handoffs").json()["waiting"][0]["waited"] >= 0
    assert client.get(f"{BASE}/handoffs/{handed}").json()["reason"] == "request"


def test_conversations_are_rated_and_measured(client):
    begun = client.post(f"{BASE}/turns", json={"text": "卡丢了怎么办", "customer": {"level": "vip"}}).json()[
        "conversation"
    ]
    client.post(f"{BASE}/turns", json={"text": "能代收快递吗", "channel": "wecom"})
    assert (
        client.post(f"{BASE}/ratings", json={"conversation": begun, "resolved": True, "rating": 5}).status_code == 204
    )
    assert client.post(f"{BASE}/ratings", json={"conversation": begun, "rating": 9}).status_code == 422
    assert client.post(f"{BASE}/ratings", json={"conversation": begun}).status_code == 422
    found = client.get(f"{BASE}/measures").json()
    assert found["measures"]["all"]["conversations"] == 2
    assert (found["measures"]["all"]["resolved"], found["measures"]["all"]["rating"]) == (1.0, 5.0)
    assert found["unanswered"] == [{"question": "能代收快递吗", "asked": 1}]
    assert set(client.get(f"{BASE}/measures?by=channel").json()["measures"]) == {"web", "wecom"}
    assert client.get(f"{BASE}/measures?by=moon").status_code == 422


def test_a_token_of_one_application_reaches_no_other(tmp_path):
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    with desk.database.write() as connection:
        own = tokens.create(connection, "own", ["admin"], "bank")
        other = tokens.create(connection, "other", ["admin"], "shop")
        all_of_them = tokens.create(connection, "all", ["predict"])

    def read():
        with desk.database.read() as connection:
            return tokens.valid(connection)

    with TestClient(with_customer_service(create_app, desk)(Engine({}), None, Access(read))) as client:
        status = {}
        for name, secret in (("own", own), ("other", other), ("all", all_of_them)):
            headers = {"Authorization": f"Bearer {secret}"}
            status[name] = client.post(f"{BASE}/turns", json={"text": "年费"}, headers=headers).status_code
        assert status == {"own": 200, "other": 403, "all": 200}
        assert client.get(f"{BASE}/handoffs", headers={"Authorization": f"Bearer {other}"}).status_code == 403
    with TestClient(create_app(Engine({}), None, Access(read))) as plain:
        assert plain.get("/v1/models", headers={"Authorization": f"Bearer {own}"}).status_code == 403
    desk.database.close()


def test_a_reply_comes_as_server_sent_events_where_they_are_asked_for(client):
    headers = {"accept": "text/event-stream"}
    with client.stream("POST", f"{BASE}/turns", json={"text": "退汇手续费"}, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [event.split("\n") for event in "".join(answer.iter_text()).strip().split("\n\n")]
    assert [name for name, _ in events] == ["event: sentence"] * (len(events) - 1) + ["event: reply"]
    said = [json.loads(data.removeprefix("data: ")) for _, data in events]
    assert "".join(one["text"] for one in said[:-1]) == said[-1]["text"]
    assert said[-1]["action"] == "answer"


@pytest.mark.parametrize("text", ["", "😀😀", "银行卡 lost 了 怎麼掛失 please", "\u0000\u202e卡丢了", "卡" * 90_000])
def test_odd_messages_are_answered_and_the_service_stays_up(client, text):
    assert client.post(f"{BASE}/turns", json={"text": text}).json()["action"] in {"answer", "clarify", "unknown"}


def test_a_megabyte_is_refused_and_nothing_is_kept(client):
    assert client.post(f"{BASE}/turns", json={"text": "卡" * 1_000_000}).status_code in {413, 422}
    assert client.get(f"{BASE}/measures").json()["measures"] == {}


def test_fifty_conversations_at_once_are_each_answered(client):
    with ThreadPoolExecutor(50) as pool:
        said = list(pool.map(lambda _: client.post(f"{BASE}/turns", json={"text": "卡丢了怎么办"}).json(), range(50)))
    assert {one["action"] for one in said} == {"answer"}
    assert len({one["conversation"] for one in said}) == 50


def test_fifty_turns_of_one_conversation_at_once_are_all_kept_and_the_last_words_are_the_bots(client):
    begun = client.post(f"{BASE}/turns", json={"text": "卡丢了怎么办"}).json()["conversation"]
    body = {"text": "卡丢了怎么办", "conversation": begun}
    with ThreadPoolExecutor(50) as pool:
        said = list(pool.map(lambda _: client.post(f"{BASE}/turns", json=body).json(), range(50)))
    assert {one["action"] for one in said} <= {"answer", "silent"}
    turns = client.get(f"{BASE}/turns/{begun}").json()["turns"]
    assert sum(turn["speaker"] == "customer" for turn in turns) == 51
    assert turns[-1]["speaker"] == "bot"
    assert sum(turn["speaker"] == "bot" for turn in turns) == 1 + sum(one["action"] == "answer" for one in said)


def test_knowledge_that_is_emptied_while_it_is_served_gives_no_answer_from_nowhere(tmp_path):
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    with TestClient(with_customer_service(create_app, desk)(Engine({}))) as client, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.post, f"{BASE}/turns", json={"text": "卡丢了怎么办"}) for _ in range(40)]
        library = desk.ladder.library
        library.change(removed=[*library.entries, *library.passages])
        assert {one.result().status_code for one in asked} == {200}
        after = client.post(f"{BASE}/turns", json={"text": "卡丢了怎么办"}).json()
    assert (after["action"], after["citations"]) == ("unknown", [])
    desk.database.close()
