"""The adaptations by their name in a recipe; a new one is a file beside this and a line here."""

from __future__ import annotations

from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.adapter import Adapter
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA

ADAPTATIONS: dict[str, type[Adaptation]] = {
    "full": Full, "frozen": Frozen, "adapter": Adapter, "lora": LoRA, "adalora": AdaLoRA,
}  # fmt: skip
