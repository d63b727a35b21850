"""Feilun (飞轮): a pretrained language model and a company's own text become a running business service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feilun.bundles.bundle import open_bundle as open  # noqa: A004
    from feilun.evaluation.evaluate import evaluate
    from feilun.workflow.screen import Terminal
    from feilun.workflow.steps import train

__version__ = "0.1.0"
__all__ = ["Terminal", "evaluate", "open", "train"]

_HOME = {
    "Terminal": "feilun.workflow.screen:Terminal",
    "evaluate": "feilun.evaluation.evaluate:evaluate",
    "open": "feilun.bundles.bundle:open_bundle",
    "train": "feilun.workflow.steps:train",
}


def __getattr__(name: str) -> Any:
    """Import a public name at first use, so that `import feilun` stays fast and needs no torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'feilun' has no attribute {name!r} (it has: {', '.join(__all__)})")
    module, attribute = _HOME[name].split(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        from feilun.core.errors import MissingExtra

        raise MissingExtra(str(error.name), "train", f"feilun.{name}") from error


def __dir__() -> list[str]:
    """List the public names, also those that were not used yet, so that they can be completed."""
    return sorted([*globals(), *__all__])
