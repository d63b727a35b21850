"""DingTalk 钉钉: messages to a robot, signed by HMAC over the time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from feilun.apps.customer_service.channels.channel import Incoming, Request, fresh, same
from feilun.apps.customer_service.channels.forms import json_of, object_at, text_at


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
        return Incoming(text_at(body, "msgId"), key, text_at(object_at(body, "text"), "content").strip())

    def written(self, text: str) -> dict[str, Any]:
        """Return a message; as the answer to a request it is shown as well."""
        return {"msgtype": "text", "text": {"content": text}}
