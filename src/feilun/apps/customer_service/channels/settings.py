"""The tables `[channels.NAME]`."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.core.settings import REQUIRED, setting


@dataclass(frozen=True)
class ChannelSettings:
    """A table `[channels.NAME]`; NAME is slack, feishu, dingtalk or wecom."""

    secret: str = setting(REQUIRED, "environment variable that holds what the platform signs and encrypts with")
    token: str = setting(
        "",
        "environment variable that holds what answers in the very conversation: slack: the bot token; feishu: "
        "APP_ID:APP_SECRET; wecom: CORP_ID:SECRET:AGENT_ID; dingtalk needs none",
    )
    replies: str = setting(
        "",
        "environment variable that holds the address of the incoming webhook of one group, for what has no other way; "
        "none: a reply is the answer",
    )
