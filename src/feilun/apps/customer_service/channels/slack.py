"""Slack: events signed by HMAC (https://api.slack.com/authentication/verifying-requests-from-slack)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feilun.apps.customer_service.channels.channel import Challenge, Incoming, Request, fresh, same
from feilun.apps.customer_service.channels.forms import json_of, object_at, text_at
from feilun.apps.customer_service.channels.sending import posted


@dataclass(frozen=True)
class Slack:
    """Slack's Events API.

    Args:
        secret: The signing secret.
    """

    secret: str

    def read(self, request: Request) -> Challenge | Incoming | None:
        """Return a person's message."""
        stamp = request.headers.get("x-slack-request-timestamp", "")
        fresh(stamp, request.now)
        signed = hmac.new(self.secret.encode(), b"v0:%b:%b" % (stamp.encode(), request.body), hashlib.sha256)
        same(request.headers.get("x-slack-signature", ""), f"v0={signed.hexdigest()}")
        body = json_of(request.body)
        if body.get("type") == "url_verification":
            return Challenge({"challenge": text_at(body, "challenge")})
        event = object_at(body, "event")
        if event.get("type") != "message" or event.get("bot_id") or event.get("subtype"):
            return None
        key = f"{text_at(event, 'channel')}/{text_at(event, 'user')}"
        if "thread_ts" in event:  # a thread is a conversation of its own
            key = f"{key}/{text_at(event, 'thread_ts')}"
        return Incoming(text_at(body, "event_id"), key, text_at(event, "text"))

    def written(self, text: str) -> dict[str, Any]:
        """Return a message for an incoming webhook."""
        return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


@dataclass(frozen=True)
class SlackMessages:
    """Slack's `chat.postMessage` (https://docs.slack.dev/reference/methods/chat.postMessage).

    Args:
        token: The bot token, with the scope `chat:write`.
        api: Where the interface is.
    """

    token: str
    api: str = "https://slack.com/api"

    def send(self, conversation: str, message: Mapping[str, Any]) -> None:
        """Post into the channel, and into the thread where the customer wrote in one."""
        channel, _, thread = (*conversation.split("/"), "")[:3]
        place = {"channel": channel, **({"thread_ts": thread} if thread else {})}
        posted(f"{self.api}/chat.postMessage", {**place, **message}, {"Authorization": f"Bearer {self.token}"})
