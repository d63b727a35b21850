"""The platforms by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from feilun.apps.customer_service.channels.channel import Channel
from feilun.apps.customer_service.channels.dingtalk import DingTalk
from feilun.apps.customer_service.channels.feishu import Feishu
from feilun.apps.customer_service.channels.slack import Slack
from feilun.apps.customer_service.channels.wecom import WeCom

CHANNELS: Mapping[str, Callable[[str], Channel]] = {
    "slack": Slack, "feishu": Feishu, "dingtalk": DingTalk, "wecom": WeCom,
}  # fmt: skip
