"""The packaged sample of customer service: a bank that does not exist, in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence
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

OWN = 5
"""Questions of one's own FAQ that a tour asks."""


def tour_of(entries: Sequence[FaqEntry]) -> tuple[str, ...]:
    """Return a tour of a FAQ of one's own: some of its questions, one that nothing answers, and a person."""
    asked = [entry.question for entry in entries[:: 1 + len(entries) // OWN]]
    chinese = any(entry.language == "zh" for entry in entries)
    return (
        *asked,
        *(("能卖我一张去火星的船票吗？", "转人工") if chinese else ("Do you sell tickets to Mars?", "agent please")),
    )


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
