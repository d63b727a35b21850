"""The tables `[channels.NAME]`."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.core.settings import REQUIRED, setting


@dataclass(frozen=True)
class ChannelSettings:
    """A table `[channels.NAME]`; NAME is slack, feishu, dingtalk or wecom."""

    secret: str = setting(REQUIRED, "environment variable that holds what the platform signs and encrypts with")
    replies: str = setting(
        "",
        "environment variable that holds the address of the platform's incoming webhook; none: a reply is the answer",
    )
