"""The packaged sample of customer service: a bank that does not exist, in Chinese and English."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.workflow.applications.customer_service.file import read_application, read_knowledge

TOUR = (
    "我的银行卡不见了，怎么办",
    "预借现金的手续费是多少？",
    "Is a home visit for old people free?",
    "手续费是多少",
    "1",
    "这笔汇款没到，帮我查一下汇款",
    "单号是 20261124",
    "能卖我一张去火星的船票吗？",
    "转人工",
    "在吗",
)
"""Questions that meet each rung once."""


def demo_settings(faq: Path | None = None) -> CustomerServiceSettings:
    """Return the packaged application, or the same over a FAQ of one's own.

    Args:
        faq: A FAQ file; None takes the packaged bank with its documents.
    """
    packaged = Path(str(files("feilun.apps.customer_service"))) / "sample" / "application.toml"
    settings = read_application(packaged)
    if faq is None:
        return settings
    own = replace(settings.knowledge, faq=(str(faq.absolute()),), documents=(), conversations=())
    return replace(settings, name="customer-service-demo", knowledge=own)


def packaged_entries() -> tuple[FaqEntry, ...]:
    """Return the FAQ of the packaged bank."""
    return read_knowledge(demo_settings()).entries
