"""Platforms: signatures by their own published examples, forms as recorded, replays and forgeries refused."""

import base64
import hashlib
import hmac
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))
from made_service import desk as made_desk

from feilun.apps.customer_service.channels.channel import Challenge, Incoming, Request, Unverified
from feilun.apps.customer_service.channels.dingtalk import DingTalk
from feilun.apps.customer_service.channels.feishu import Feishu
from feilun.apps.customer_service.channels.inbox import inboxes
from feilun.apps.customer_service.channels.settings import ChannelSettings
from feilun.apps.customer_service.channels.slack import Slack
from feilun.apps.customer_service.channels.wecom import WeCom
from feilun.core.errors import StorageError, UsageError
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.customer_service import with_customer_service
from feilun.serving.access import Access
from feilun.serving.engine import Engine

NOW = 1_700_000_000.0
KEY = "secret"
PATH = "/v1/apps/customer-service/channels"


def slack(body, secret=KEY, now=NOW):
    content = json.dumps(body).encode()
    signed = hmac.new(secret.encode(), b"v0:%d:" % now + content, hashlib.sha256).hexdigest()
    return Request({"x-slack-request-timestamp": str(int(now)), "x-slack-signature": f"v0={signed}"}, {}, content, NOW)


def dingtalk(body, secret=KEY, now=NOW):
    stamp = str(int(now * 1000))
    signed = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return Request({"timestamp": stamp, "sign": base64.b64encode(signed).decode()}, {}, json.dumps(body).encode(), NOW)


def encrypted(plain, key, start, block=16):
    padding = block - len(plain) % block
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    return encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()


def feishu(event, secret=KEY, now=NOW):
    start = b"0123456789abcdef"
    cipher = start + encrypted(json.dumps(event).encode(), hashlib.sha256(secret.encode()).digest(), start)
    content = json.dumps({"encrypt": base64.b64encode(cipher).decode()}).encode()
    signed = hashlib.sha256(f"{int(now)}nonce{secret}".encode() + content).hexdigest()
    headers = {"x-lark-request-timestamp": str(int(now)), "x-lark-request-nonce": "nonce", "x-lark-signature": signed}
    return Request(headers, {}, content, NOW)


AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
WECOM = f"token:{AES_KEY}"


def wecom(message, secret=WECOM, now=NOW):
    token, _, encoded = secret.partition(":")
    key = base64.b64decode(encoded + "=")
    content = message.encode()
    plain = b"r" * 16 + len(content).to_bytes(4, "big") + content + b"corp"
    cipher = base64.b64encode(encrypted(plain, key, key[:16], 32)).decode()
    signed = hashlib.sha1("".join(sorted([token, str(int(now)), "n", cipher])).encode()).hexdigest()  # noqa: S324
    query = {"timestamp": str(int(now)), "nonce": "n", "msg_signature": signed}
    return Request({}, query, f"<xml><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>".encode(), NOW)


SLACK_EVENT = {
    "token": "z26uFbvR1xHJEdHE1OQiO6t8", "team_id": "T123ABC456", "api_app_id": "A123ABC456", "event_id": "Ev123ABC456",
    "event": {"type": "message", "channel": "C123ABC456", "user": "U123ABC456", "text": "卡丢了怎么办", "ts": "1.0"},
    "type": "event_callback", "event_time": 123456789,
}  # fmt: skip
DINGTALK_EVENT = {
    "conversationId": "cidI2", "chatbotCorpId": "ding1", "chatbotUserId": "$:LWCP", "msgId": "msgk", "senderNick": "甲",
    "isAdmin": True, "senderStaffId": "u1", "sessionWebhookExpiredTime": 1, "createAt": 1, "senderCorpId": "ding1",
    "conversationType": "1", "senderId": "$:LWCP_v1", "robotCode": "ding2", "msgtype": "text",
    "text": {"content": " 卡丢了怎么办"},
}  # fmt: skip
FEISHU_EVENT = {
    "schema": "2.0",
    "header": {"event_id": "5e3702a84e847582be8db7fb73283c02", "event_type": "im.message.receive_v1", "token": "t"},
    "event": {
        "sender": {"sender_id": {"union_id": "on_8", "open_id": "ou_84"}, "sender_type": "user"},
        "message": {"message_id": "om_5", "chat_id": "oc_5", "chat_type": "p2p", "message_type": "text",
                    "content": json.dumps({"text": "卡丢了怎么办"})},
    },
}  # fmt: skip
WECOM_EVENT = (
    "<xml><ToUserName><![CDATA[ww1]]></ToUserName><FromUserName><![CDATA[mycreate]]></FromUserName>"
    "<CreateTime>1409659813</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[卡丢了怎么办]]></Content>"
    "<MsgId>4561255354251345929</MsgId><AgentID>218</AgentID></xml>"
)

PLATFORMS = {
    "slack": (Slack, "secret", slack, SLACK_EVENT),
    "dingtalk": (DingTalk, "secret", dingtalk, DINGTALK_EVENT),
    "feishu": (Feishu, "secret", feishu, FEISHU_EVENT),
    "wecom": (WeCom, WECOM, wecom, WECOM_EVENT),
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_message_is_read_and_forged_or_replayed_ones_are_refused(name):
    made, secret, signed, event = PLATFORMS[name]
    channel = made(secret)
    found = channel.read(signed(event))
    assert isinstance(found, Incoming)
    assert found.text == "卡丢了怎么办"
    other = f"other:{AES_KEY[:-2]}AA" if name == "wecom" else "other"
    for wrong in (signed(event, secret=other), signed(event, now=NOW - 3600), signed(event, now=NOW + 3600)):
        with pytest.raises(Unverified):
            channel.read(wrong)
    assert "答复" in json.dumps(channel.written("答复"), ensure_ascii=False)


@pytest.mark.parametrize("name", PLATFORMS)
def test_what_is_not_of_the_form_is_named_and_nothing_breaks(name):
    made, secret, signed, _ = PLATFORMS[name]
    channel = made(secret)
    empty = signed("<xml><MsgType>text</MsgType></xml>" if name == "wecom" else {"msgtype": "text"})
    for request in (Request({}, {}, b"", NOW), Request({}, {}, b"[]", NOW), Request({}, {}, b"<xml>", NOW)):
        with pytest.raises((Unverified, UsageError)):
            channel.read(request)
    try:
        assert channel.read(empty) is None
    except UsageError as error:
        assert "The " in str(error)  # noqa: PT017


def test_slack_signs_as_its_guide_shows():
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {"x-slack-request-timestamp": "1531420618", "x-slack-signature": signature}
    channel = Slack("8f742231b10e8888abcd99yyyzzz85a5")
    with pytest.raises(UsageError, match="no JSON"):  # the signature is right; a form is no event
        channel.read(Request(headers, {}, body, 1531420618.0))


def test_wecom_checks_the_address_as_its_guide_shows():
    query = {
        "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "timestamp": "1409659589", "nonce": "263014780",
        "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
    }  # fmt: skip
    channel = WeCom("QDG6eK:jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")
    assert channel.read(Request({}, query, b"", 1409659589.0)) == Challenge("1616140317555161061")


def test_addresses_are_confirmed_and_the_bots_own_messages_left_alone():
    asked = {"type": "url_verification", "challenge": "abc", "token": "t"}
    assert Slack("secret").read(slack(asked)) == Challenge({"challenge": "abc"})
    assert Feishu("secret").read(feishu(asked)) == Challenge({"challenge": "abc"})
    own = {**SLACK_EVENT, "event": {**SLACK_EVENT["event"], "bot_id": "B1"}}
    assert Slack("secret").read(slack(own)) is None


def test_an_entity_bomb_is_refused():
    with pytest.raises(UsageError, match="entities"):
        WeCom(WECOM).read(Request({}, {}, b"<!DOCTYPE x [<!ENTITY a 'b'>]><xml>&a;</xml>", NOW))


class _Platform(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def platform():
    server = HTTPServer(("127.0.0.1", 0), _Platform)
    server.taken = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_messages_are_turns_once_each_and_replies_go_back_by_webhook(tmp_path, platform, monkeypatch):
    monkeypatch.setenv("SECRET", "secret")
    monkeypatch.setenv("WEBHOOK", f"http://127.0.0.1:{platform.server_port}/hook")
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    opened = inboxes(
        {"slack": ChannelSettings("SECRET", replies="WEBHOOK"), "dingtalk": ChannelSettings("SECRET")}, desk
    )
    monkeypatch.setattr("time.time", lambda: NOW)
    guarded = Access(list)  # tokens are asked for, and there is none: the signature takes their place
    with TestClient(with_customer_service(create_app, desk, opened)(Engine({}), None, guarded)) as client:
        request = slack(SLACK_EVENT)
        for _ in range(2):  # Slack sends again what was answered late
            assert client.post(f"{PATH}/slack", content=request.body, headers=request.headers).json() == {}
        again = slack({**SLACK_EVENT, "event_id": "Ev2", "event": {**SLACK_EVENT["event"], "text": "转人工"}})
        client.post(f"{PATH}/slack", content=again.body, headers=again.headers)
        (waiting,) = desk.waiting()
        assert [turn.speaker for turn in desk.history(waiting.id)] == ["customer", "bot", "customer", "bot"]
        answer = dingtalk(DINGTALK_EVENT)
        said = client.post(f"{PATH}/dingtalk", content=answer.body, headers=answer.headers).json()
        assert said["text"]["content"] == "请在掌银里挂失。"
        forged = client.post(
            f"{PATH}/slack", content=request.body, headers={**request.headers, "x-slack-signature": "v0=0"}
        )
        assert forged.status_code == 401
        assert client.post(f"{PATH}/feishu", content=b"{}").status_code == 404
        assert client.post("/v1/apps/customer-service/turns", json={"text": "a"}).status_code == 401
    desk.take(waiting.id)
    with TestClient(with_customer_service(create_app, desk, opened)(Engine({}))) as client:
        client.post(f"/v1/apps/customer-service/handoffs/{waiting.id}/turns", json={"text": "您好"})
    for one in opened.values():
        one.close()
    assert [message["text"] for message in platform.taken] == [
        "请在掌银里挂失。", "好的，正在为您转接人工客服，请稍候。", "您好",
    ]  # fmt: skip
    desk.database.close()


def told(event, text, user="U1"):
    return slack({**SLACK_EVENT, "event_id": event, "event": {**SLACK_EVENT["event"], "text": text, "user": user}})


def test_a_message_that_could_not_be_answered_is_taken_when_it_comes_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "secret")
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    inbox = inboxes({"slack": ChannelSettings("SECRET")}, desk)["slack"]
    with monkeypatch.context() as broken:
        broken.setattr(desk, "_kept", lambda *_, **__: (_ for _ in ()).throw(StorageError("The disk is full.")))
        with pytest.raises(StorageError):
            inbox.take(told("E1", "信用卡年费是多少？"))
    assert inbox.take(told("E1", "信用卡年费是多少？")) == {"text": "普卡免年费。"}
    assert inbox.take(told("E1", "信用卡年费是多少？")) == {}
    inbox.close()
    desk.database.close()


def test_messages_of_a_person_at_once_begin_one_conversation(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "secret")
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    inbox = inboxes({"slack": ChannelSettings("SECRET")}, desk)["slack"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(inbox.take, [told(f"E{number}", f"问题 {number}") for number in range(8)]))
    (held,) = desk.held(1)
    assert sorted(turn.text for turn in held.turns if turn.speaker == "customer") == [f"问题 {n}" for n in range(8)]
    inbox.close()
    desk.database.close()


def test_what_a_person_writes_is_refused_where_it_would_not_reach_the_customer(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "secret")
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    opened = inboxes({"slack": ChannelSettings("SECRET")}, desk)
    opened["slack"].take(told("E1", "转人工"))
    (waiting,) = desk.waiting()
    desk.take(waiting.id)
    with TestClient(with_customer_service(create_app, desk, opened)(Engine({}))) as client:
        said = client.post(f"/v1/apps/customer-service/handoffs/{waiting.id}/turns", json={"text": "您好"})
    assert said.status_code == 422
    assert "replies in [channels.slack]" in said.text
    assert desk.history(waiting.id)[-1].speaker == "bot"
    opened["slack"].close()
    desk.database.close()


def test_secrets_stand_in_the_environment_and_webhooks_are_reached_by_https(tmp_path, monkeypatch):
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(UsageError, match="NOT_SET"):
        inboxes({"slack": ChannelSettings("NOT_SET")}, desk)
    monkeypatch.setenv("SECRET", "http://evil.example")
    with pytest.raises(UsageError, match="https"):
        inboxes({"slack": ChannelSettings("SECRET", replies="SECRET")}, desk)
    desk.database.close()
