"""WeCom 企业微信: messages in XML, encrypted with the app's AES key and signed with its token."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from feilun.apps.customer_service.channels.aes import decrypted
from feilun.apps.customer_service.channels.channel import Challenge, Incoming, Request, fresh, same
from feilun.apps.customer_service.channels.forms import bytes_of
from feilun.apps.customer_service.channels.passes import Passes
from feilun.apps.customer_service.channels.sending import check_parts, posted
from feilun.core.errors import UsageError
from feilun.core.remark import Remark

LONGEST = 64 * 1024
"""Bytes of a message that are read."""

DECLARES = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
"""What makes a small document large (entity expansion)."""


@dataclass(frozen=True)
class WeCom:
    """An application of an enterprise.

    Args:
        secret: Token and EncodingAESKey, with a colon between them.
    """

    secret: str

    def read(self, request: Request) -> Challenge | Incoming | None:
        """Return a person's message, or the text that a check of the address wants back."""
        token, _, encoded = self.secret.partition(":")
        key = bytes_of(f"{encoded}=")
        stamp, nonce = request.query.get("timestamp", ""), request.query.get("nonce", "")
        echo = request.query.get("echostr")
        cipher = echo if echo is not None else self._field(_xml(request.body), "Encrypt")
        fresh(stamp, request.now)
        signed = hashlib.sha1("".join(sorted([token, stamp, nonce, cipher])).encode())  # noqa: S324
        same(request.query.get("msg_signature", ""), signed.hexdigest())
        plain = decrypted(bytes_of(cipher), key, key[:16])
        content = plain[20 : 20 + int.from_bytes(plain[16:20], "big")]  # after 16 random bytes and the length
        if echo is not None:
            return Challenge(content.decode())
        message = _xml(content)
        if message.findtext("MsgType") != "text":
            return None
        return Incoming(
            self._field(message, "MsgId"), self._field(message, "FromUserName"), self._field(message, "Content")
        )

    def written(self, text: str) -> dict[str, Any]:
        """Return a message for a group robot's webhook."""
        return {"msgtype": "text", "text": {"content": text}}

    @staticmethod
    def _field(element: ElementTree.Element, name: str) -> str:
        found = element.findtext(name)
        if found is None:
            raise UsageError(
                Remark(f"The message has no {name}.", f"消息没有 {name}。"),
                Remark(
                    "WeCom's form has ToUserName, AgentID and Encrypt.",
                    "企业微信的格式含 ToUserName、AgentID 和 Encrypt。",
                ),
            )
        return found


def _xml(content: bytes) -> ElementTree.Element:
    if len(content) > LONGEST or DECLARES.search(content):
        raise UsageError(
            Remark("The XML is too large, or declares entities.", "XML 太大，或声明了实体。"),
            Remark("WeCom's messages do neither.", "企业微信的消息不会这样。"),
        )
    try:
        return ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError as error:
        raise UsageError(
            Remark(f"The body is no XML ({error}).", f"请求体不是 XML（{error}）。"),
            Remark("WeCom sends XML.", "企业微信发送 XML。"),
        ) from error


@dataclass(frozen=True)
class WeComMessages:
    """WeCom's `message/send` (https://developer.work.weixin.qq.com/document/path/90236).

    Args:
        token: `CORP_ID:SECRET:AGENT_ID`.
        api: Where the interface is.
    """

    token: str
    api: str = "https://qyapi.weixin.qq.com/cgi-bin"
    _passes: Passes = field(default_factory=Passes)

    def __post_init__(self) -> None:
        """Refuse a token of another form."""
        check_parts(self.token, "CORP_ID:SECRET:AGENT_ID")

    def send(self, conversation: str, message: Mapping[str, Any]) -> None:
        """Send to the person."""
        agent = self.token.rpartition(":")[2]
        with self._passes.used(self._asked) as access:
            posted(
                f"{self.api}/message/send?access_token={quote(access)}",
                {"touser": conversation, "agentid": int(agent), **message},
            )

    def _asked(self) -> tuple[str, float]:
        corporation, secret, _ = self.token.split(":")
        told = posted(f"{self.api}/gettoken?corpid={quote(corporation)}&corpsecret={quote(secret)}", None)
        return str(told["access_token"]), float(told["expires_in"])
