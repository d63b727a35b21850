"""Training of the top layers alone, where minutes count: the lower ones run once, whatever the epochs."""

from __future__ import annotations

from typing import Any


def top_layers(count: int) -> dict[str, Any]:
    """Return what a recipe's table `[model]` says for so many top layers of the base to learn; 0 for all of them."""
    return {"adaptation": {"kind": "frozen", "layers": count}} if count else {}
