"""What an application's file says of its interest model."""

from __future__ import annotations

from dataclasses import dataclass

from feilun.core.settings import setting


@dataclass(frozen=True)
class InterestSettings:
    """The table `[interest]`."""

    tune: bool = setting(
        False, "fine-tune `base` on what users took and what they took next, and let it read items and histories"
    )
    base: str = setting("multilingual-e5-small", "packaged base model, hub id, or folder")
    layers: int = setting(2, "top layers of the base that learn; the others run once", minimum=1)
    pairs: int = setting(2_000, "histories that are learned from at most, drawn at random", minimum=1)
    epochs: int = setting(2, "times over them", minimum=1)
