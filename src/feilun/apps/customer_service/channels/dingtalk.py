"""DingTalk 钉钉: messages to a robot, signed by HMAC over the time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feilun.apps.customer_service.channels.channel import Incoming, Request, fresh, same
from feilun.apps.customer_service.channels.forms import json_of, object_at, text_at
from feilun.apps.customer_service.channels.sending import is_of

HOSTS = ("oapi.dingtalk.com", "api.dingtalk.com")
"""Where a session's webhook may lead: the signature covers the time alone, so that a body may say anything."""


@dataclass(frozen=True)
class DingTalk:
    """A robot of an enterprise's own.

    Args:
        secret: The app secret.
    """

    secret: str

    def read(self, request: Request) -> Incoming | None:
        """Return a message to the robot; its time is in milliseconds."""
        stamp = request.headers.get("timestamp", "")
        fresh(stamp[:-3] if len(stamp) > 3 else stamp, request.now)
        signed = hmac.new(self.secret.encode(), f"{stamp}\n{self.secret}".encode(), hashlib.sha256)
        same(request.headers.get("sign", ""), base64.b64encode(signed.digest()).decode())
        body = json_of(request.body)
        if body.get("msgtype") != "text":
            return None
        key = f"{text_at(body, 'conversationId')}/{text_at(body, 'senderId')}"
        said = text_at(object_at(body, "text"), "content").strip()
        return Incoming(text_at(body, "msgId"), key, said, _answers(body))

    def written(self, text: str) -> dict[str, Any]:
        """Return a message; as the answer to a request it is shown as well."""
        return {"msgtype": "text", "text": {"content": text}}


def _answers(body: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the session's webhook and when it ends, where it is one of DingTalk's own addresses."""
    address, ends = body.get("sessionWebhook"), body.get("sessionWebhookExpiredTime")
    if not isinstance(address, str) or not isinstance(ends, int) or not is_of(address, HOSTS):
        return None
    return address, ends / 1000
