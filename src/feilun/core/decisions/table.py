"""How a model's numbers become predictions, by task; the half of a head that serving needs, without torch.

A new task is a file beside this and a line in `single.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from feilun.core.decisions.multitask import MultitaskDecision
from feilun.core.decisions.single import SINGLE
from feilun.core.decisions.single import AnyDecision as AnyDecision

DECISIONS: Mapping[str, type[AnyDecision]] = {**SINGLE, "multitask": MultitaskDecision}
