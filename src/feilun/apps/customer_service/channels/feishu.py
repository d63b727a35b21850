"""Feishu 飞书: events that are encrypted and signed with the app's encrypt key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feilun.apps.customer_service.channels.aes import decrypted
from feilun.apps.customer_service.channels.channel import Challenge, Incoming, Request, fresh, same
from feilun.apps.customer_service.channels.forms import bytes_of, json_of, object_at, text_at
from feilun.apps.customer_service.channels.passes import Passes
from feilun.apps.customer_service.channels.sending import check_parts, posted


@dataclass(frozen=True)
class Feishu:
    """Events of version 2.0.

    Args:
        secret: The encrypt key.
    """

    secret: str

    def read(self, request: Request) -> Challenge | Incoming | None:
        """Return a person's message; a challenge is encrypted, and not signed."""
        body = json_of(request.body)
        cipher = bytes_of(text_at(body, "encrypt"))
        event = json_of(decrypted(cipher[16:], hashlib.sha256(self.secret.encode()).digest(), cipher[:16]))
        if event.get("type") == "url_verification":
            return Challenge({"challenge": text_at(event, "challenge")})
        stamp, nonce = (request.headers.get(f"x-lark-request-{name}", "") for name in ("timestamp", "nonce"))
        fresh(stamp, request.now)
        signed = hashlib.sha256(f"{stamp}{nonce}{self.secret}".encode() + request.body)
        same(request.headers.get("x-lark-signature", ""), signed.hexdigest())
        header, told = object_at(event, "header"), object_at(event, "event")
        message, sender = object_at(told, "message"), object_at(object_at(told, "sender"), "sender_id")
        if header.get("event_type") != "im.message.receive_v1" or message.get("message_type") != "text":
            return None
        said = json_of(text_at(message, "content").encode())
        key = f"{text_at(message, 'chat_id')}/{text_at(sender, 'open_id')}"
        return Incoming(text_at(header, "event_id"), key, text_at(said, "text"))

    def written(self, text: str) -> dict[str, Any]:
        """Return a message for a custom bot's webhook."""
        return {"msg_type": "text", "content": {"text": text}}


@dataclass(frozen=True)
class FeishuMessages:
    """Feishu's `im/v1/messages` (https://open.feishu.cn/document/server-docs/im-v1/message/create).

    Args:
        token: `APP_ID:APP_SECRET`.
        api: Where the interface is.
    """

    token: str
    api: str = "https://open.feishu.cn/open-apis"
    _passes: Passes = field(default_factory=Passes)

    def __post_init__(self) -> None:
        """Refuse a token of another form."""
        check_parts(self.token, "APP_ID:APP_SECRET")

    def send(self, conversation: str, message: Mapping[str, Any]) -> None:
        """Send into the chat."""
        with self._passes.used(self._asked) as access:
            posted(
                f"{self.api}/im/v1/messages?receive_id_type=chat_id",
                {
                    "receive_id": conversation.partition("/")[0],
                    "msg_type": message["msg_type"],
                    "content": json.dumps(message["content"], ensure_ascii=False),
                },
                {"Authorization": f"Bearer {access}"},
            )

    def _asked(self) -> tuple[str, float]:
        name, _, secret = self.token.partition(":")
        address = f"{self.api}/auth/v3/tenant_access_token/internal"
        told = posted(address, {"app_id": name, "app_secret": secret})
        return str(told["tenant_access_token"]), float(told["expire"])
