"""The platforms by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from feilun.apps.customer_service.channels.channel import Channel
from feilun.apps.customer_service.channels.dingtalk import DingTalk
from feilun.apps.customer_service.channels.feishu import Feishu, FeishuMessages
from feilun.apps.customer_service.channels.sending import Messenger
from feilun.apps.customer_service.channels.slack import Slack, SlackMessages
from feilun.apps.customer_service.channels.wecom import WeCom, WeComMessages

CHANNELS: Mapping[str, Callable[[str], Channel]] = {
    "slack": Slack, "feishu": Feishu, "dingtalk": DingTalk, "wecom": WeCom,
}  # fmt: skip

MESSENGERS: Mapping[str, Callable[[str], Messenger]] = {
    "slack": SlackMessages, "feishu": FeishuMessages, "wecom": WeComMessages,
}  # fmt: skip
"""What sends by the platform's own interface; DingTalk's messages name an address to answer to instead."""
