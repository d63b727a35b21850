"""What we say reaches the very conversation, in its order, once; a platform that is down is told again."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_service import desk as made_desk
from test_channels import DINGTALK_EVENT, NOW, WECOM, dingtalk, slack, told, wecom

from feilun.apps.customer_service.channels import dingtalk as dingtalk_module
from feilun.apps.customer_service.channels import inbox as inbox_module
from feilun.apps.customer_service.channels.dingtalk import DingTalk
from feilun.apps.customer_service.channels.feishu import FeishuMessages
from feilun.apps.customer_service.channels.inbox import Inbox, inboxes
from feilun.apps.customer_service.channels.sending import Refused, is_of, posted
from feilun.apps.customer_service.channels.settings import ChannelSettings
from feilun.apps.customer_service.channels.slack import Slack, SlackMessages
from feilun.apps.customer_service.channels.wecom import WeCom, WeComMessages
from feilun.core.errors import UsageError
from feilun.core.settings import read
from feilun.monitoring import alerts as alerts_module
from feilun.storage import deliveries

FEE, NO_FEE = "信用卡年费是多少？", "普卡免年费。"


class _Platform(BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.taken.append((self.path, dict(self.headers), json.loads(content) if content else None))
        status, answer = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(answer.encode() if isinstance(answer, str) else json.dumps(answer).encode())

    do_GET = do_POST  # noqa: N815

    def log_message(self, *arguments):
        pass


@pytest.fixture
def platform(monkeypatch):
    monkeypatch.setattr(alerts_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(inbox_module, "RETRY_SECONDS", 0.05)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Platform)
    server.taken, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def desk(tmp_path):
    opened = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    yield opened
    opened.database.close()


def until(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def arrived(server, path="/hook"):
    return [body["text"] for asked, _, body in server.taken if asked == path]


def left(desk):
    with desk.database.read() as connection:
        return [one["error"] for one in deliveries.listed(connection) if one["error"]]


def test_replies_that_are_not_taken_are_sent_again_in_their_order(platform, desk):
    platform.answers += [(503, {}), (200, {"errcode": 45009, "errmsg": "too many"}), (302, {})]
    inbox = Inbox("slack", Slack("secret"), desk, f"{platform.url}/hook")
    inbox.take(told("E1", FEE))
    inbox.take(told("E2", "转人工"))
    until(lambda: len(platform.taken) >= 5)
    inbox.close()
    first, second = NO_FEE, "好的，正在为您转接人工客服，请稍候。"
    assert arrived(platform) == [first, first, first, first, second]  # no redirect was followed
    assert left(desk) == []


def test_what_a_platform_does_not_take_waits_for_the_next_start_and_keeps_no_words_once_it_arrived(platform, desk):
    platform.answers += [(503, {})] * 2
    inbox = Inbox("slack", Slack("secret"), desk, f"{platform.url}/hook")
    inbox._sending.retry_seconds = 3600
    inbox.take(told("E1", FEE))
    until(lambda: left(desk) not in ([], [deliveries.WAITS]))
    inbox.close()
    with desk.database.write() as connection:
        connection.execute(deliveries.deliveries.update().values(due=0.0))
    platform.answers.clear()
    again = Inbox("slack", Slack("secret"), desk, f"{platform.url}/hook")
    until(lambda: not left(desk))
    again.close()
    assert arrived(platform)[-1] == NO_FEE
    with desk.database.read() as connection:
        (row,) = connection.execute(deliveries.deliveries.select()).all()
    assert (row.title, row.body) == ("", "")


def test_two_processes_send_what_waits_once(platform, desk, tmp_path):
    other = made_desk(f"sqlite:///{tmp_path / 'a.db'}")
    both = [Inbox("slack", Slack("secret"), one, f"{platform.url}/hook") for one in (desk, other)]
    for number in range(12):
        both[0].take(told(f"E{number}", FEE, f"U{number}"))
    until(lambda: not left(desk))
    for one in both:
        one.close()
    other.database.close()
    assert arrived(platform) == [NO_FEE] * 12


def test_slack_is_answered_in_its_channel_and_thread_by_the_bots_token(platform, desk):
    platform.answers += [(200, {"ok": False, "error": "ratelimited"}), (200, {"ok": True})]
    inbox = Inbox("slack", Slack("secret"), desk, None, SlackMessages("xoxb-1", platform.url))
    event = {"type": "message", "channel": "C1", "user": "U1", "text": "转人工", "ts": "1.0", "thread_ts": "0.5"}
    inbox.take(slack({"type": "event_callback", "event_id": "E1", "event": event}))
    (waiting,) = desk.waiting()
    desk.take(waiting.id)
    inbox.check_reached(waiting.id)
    inbox.push(waiting.id, desk.write(waiting.id, "您好 <b>"), "您好 <b>")
    until(lambda: len(platform.taken) == 3)
    inbox.close()
    path, headers, body = platform.taken[-1]
    assert (path, headers["Authorization"]) == ("/chat.postMessage", "Bearer xoxb-1")
    assert body == {"channel": "C1", "thread_ts": "0.5", "text": "您好 &lt;b&gt;"}


def test_feishu_is_answered_in_its_chat_and_a_refused_token_is_asked_for_anew(platform):
    platform.answers += [
        (200, {"code": 0, "tenant_access_token": "t-1", "expire": 7200}), (200, {"code": 0}),
        (200, {"code": 99991663, "msg": "token expired"}),
        (200, {"code": 0, "tenant_access_token": "t-2", "expire": 7200}), (200, {"code": 0}),
    ]  # fmt: skip
    messages = FeishuMessages("cli_1:s3cret", platform.url)
    message = {"msg_type": "text", "content": {"text": "答复"}}
    messages.send("oc_5/ou_84", message)
    with pytest.raises(Refused, match="99991663"):
        messages.send("oc_5/ou_84", message)
    messages.send("oc_5/ou_84", message)
    tokens = [headers.get("Authorization") for path, headers, _ in platform.taken if path.startswith("/im")]
    assert tokens == ["Bearer t-1", "Bearer t-1", "Bearer t-2"]
    assert platform.taken[0][2] == {"app_id": "cli_1", "app_secret": "s3cret"}
    path, _, body = platform.taken[-1]
    assert path == "/im/v1/messages?receive_id_type=chat_id"
    assert body == {"receive_id": "oc_5", "msg_type": "text", "content": '{"text": "答复"}'}


def test_wecom_is_answered_to_the_person_who_wrote(platform, desk):
    platform.answers += [(200, {"errcode": 0, "access_token": "a/1", "expires_in": 7200}), (200, {"errcode": 0})]
    inbox = Inbox("wecom", WeCom(WECOM), desk, None, WeComMessages("ww1:s:218", platform.url))
    event = (
        "<xml><FromUserName>user</FromUserName><MsgType>text</MsgType><Content>转人工</Content><MsgId>1</MsgId></xml>"
    )
    assert inbox.take(wecom(event)) == {}
    until(lambda: len(platform.taken) == 2)
    inbox.close()
    assert platform.taken[0][0] == "/gettoken?corpid=ww1&corpsecret=s"
    path, _, body = platform.taken[1]
    assert path == "/message/send?access_token=a/1"
    assert (body["touser"], body["agentid"], body["msgtype"]) == ("user", 218, "text")


def test_dingtalk_is_answered_at_the_address_of_the_session_until_it_ends(platform, desk, monkeypatch):
    monkeypatch.setattr(dingtalk_module, "is_of", lambda address, hosts: address.startswith(platform.url))
    inbox = Inbox("dingtalk", DingTalk("secret"), desk)
    session = {"sessionWebhook": f"{platform.url}/session", "sessionWebhookExpiredTime": int(1000 * (time.time() + 60))}
    asked = {**DINGTALK_EVENT, **session, "text": {"content": "转人工"}}
    assert inbox.take(dingtalk(asked)) == {}
    (waiting,) = desk.waiting()
    desk.take(waiting.id)
    inbox.check_reached(waiting.id)
    inbox.push(waiting.id, desk.write(waiting.id, "您好"), "您好")
    until(lambda: len(platform.taken) == 2)
    at = time.time() + 61
    with monkeypatch.context() as later:
        later.setattr("time.time", lambda: at)
        with pytest.raises(UsageError, match="nothing sends into this conversation"):
            inbox.check_reached(waiting.id)
    inbox.close()
    assert [(path, body["text"]["content"]) for path, _, body in platform.taken][1] == ("/session", "您好")


@pytest.mark.parametrize(
    "address",
    [
        "http://oapi.dingtalk.com/robot", "https://evil.example/robot", "https://oapi.dingtalk.com@evil.example/",
        "https://oapi.dingtalk.com.evil.example/", "https://evil.example#oapi.dingtalk.com", "https://[", "", 5, None,
        "https://oapi.dingtalk.com:8443/robot", "https://evil.example\\@oapi.dingtalk.com/",
    ],
)  # fmt: skip
def test_a_message_cannot_send_answers_elsewhere(address):
    asked = {**DINGTALK_EVENT, "sessionWebhook": address, "sessionWebhookExpiredTime": int(NOW * 1000) + 60_000}
    assert DingTalk("secret").read(dingtalk(asked)).answers is None


def test_an_address_of_the_platform_is_taken():
    address = "https://oapi.dingtalk.com/robot/sendBySession?session=1"
    asked = {**DINGTALK_EVENT, "sessionWebhook": address, "sessionWebhookExpiredTime": int(NOW * 1000)}
    assert DingTalk("secret").read(dingtalk(asked)).answers == (address, NOW)
    assert not is_of("https://slack.com/", ("oapi.dingtalk.com",))


def test_slacks_webhooks_answer_in_words(platform):
    platform.answers += [(200, "ok"), (200, "[]")]
    assert posted(f"{platform.url}/hook", {"text": "a"}) == {}
    assert posted(f"{platform.url}/hook", {"text": "a"}) == {}


def test_an_account_of_another_form_is_refused_without_being_shown(desk, monkeypatch):
    monkeypatch.setenv("SECRET", WECOM)
    monkeypatch.setenv("ACCOUNT", "ww1:hush")
    with pytest.raises(UsageError, match="CORP_ID:SECRET:AGENT_ID") as raised:
        inboxes({"wecom": ChannelSettings("SECRET", "ACCOUNT")}, desk)
    assert "hush" not in str(raised.value)


def test_dingtalk_needs_no_account():
    from feilun.apps.customer_service.settings import CustomerServiceSettings

    tables = {"knowledge": {"faq": ["a.csv"]}, "channels": {"dingtalk": {"secret": "S", "token": "T"}}}
    _, faults = read(CustomerServiceSettings, {"application": "customer-service", "name": "bank", **tables})
    assert "channels.dingtalk.token is of no use" in str([fault.message for fault in faults])


def test_a_message_whose_process_ended_before_it_was_answered_is_answered_when_it_comes_again(platform, desk):
    inbox = Inbox("slack", Slack("secret"), desk)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(desk, "say", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            inbox.take(told("E1", FEE))
    inbox.close()
    again = Inbox("slack", Slack("secret"), desk)
    assert again.take(told("E1", FEE)) == {"text": NO_FEE}
    assert again.take(told("E1", FEE)) == {}
    again.close()


def test_a_message_that_comes_again_while_it_is_answered_is_answered_once(platform, desk, monkeypatch):
    inbox = Inbox("slack", Slack("secret"), desk)
    say, again = desk.say, []

    def slow(*arguments):
        again.append(inbox.take(told("E1", FEE)))
        return say(*arguments)

    monkeypatch.setattr(desk, "say", slow)
    assert inbox.take(told("E1", FEE)) == {"text": NO_FEE}
    assert again == [{}]
    inbox.close()
