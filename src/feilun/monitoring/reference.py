"""What traffic is compared with: figures of the validation rows, written into the bundle's profile at training.

They hold no texts. Pooled states are reduced to a few principal components, and kept in half precision.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import BundleError
from feilun.core.remark import Remark
from feilun.monitoring.sample import Sample
from feilun.monitoring.signals import Categories, read_values

ROWS = 1000
"""Most validation rows that are worth remembering."""

STATES = 300
"""Most of them whose states are kept; as many more give the principal components."""

DIMENSIONS = 32
"""Principal components; Rabanser et al. (2019) reduce to 32 as well."""

KEY = "reference"
"""Where it stands in profile.json; bundles that were written before it was invented have none."""


@dataclass(frozen=True)
class Reference:
    """Figures of validation rows.

    Args:
        sample: They, without states.
        correct: Whether the model was right, shape (rows,).
        states: Reduced pooled states of some of the rows, shape (rows, dimensions).
        mean: Mean pooled state, shape (hidden,).
        components: Principal components, shape (hidden, dimensions).
    """

    sample: Sample
    correct: NDArray[np.bool_]
    states: NDArray[np.float32]
    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    def reduce(self, pooled: NDArray[np.float32]) -> NDArray[np.float32]:
        """Reduce pooled states, shape (rows, hidden), to (rows, dimensions)."""
        reduced = (pooled - self.mean) @ self.components
        result: NDArray[np.float32] = reduced.astype(np.float16).astype(np.float32)
        return result

    def to_json(self) -> dict[str, Any]:
        """Return the form for profile.json."""
        return {
            "rows": self.sample.rows,
            "signals": {name: values.to_json() for name, values in self.sample.signals.items()},
            "correct": self.correct.astype(int).tolist(),
            "states": _packed(self.states),
            "mean": _packed(self.mean),
            "components": _packed(self.components),
        }


def make_reference(sample: Sample, correct: NDArray[np.bool_]) -> Reference:
    """Make the reference from figures of validation rows.

    Args:
        sample: They, with unreduced states, shape (some rows, hidden), or none where the model reads no text.
        correct: Whether the model was right on each, shape (rows,).
    """
    if sample.states is None:
        none = np.empty((0, 0), dtype=np.float32)
        return Reference(sample, correct, none, np.empty(0, dtype=np.float32), none)
    pooled = sample.states[evenly(len(sample.states), 2 * STATES)].astype(np.float32)
    kept = np.arange(len(pooled)) % 2 == 1
    mean, components = _principal(pooled[~kept])
    empty = np.empty((0, components.shape[1]), dtype=np.float32)
    reference = Reference(replace(sample, states=None), correct, empty, mean, components)
    return replace(reference, states=reference.reduce(pooled[kept]))


def read_reference(profile: Mapping[str, Any]) -> Reference | None:
    """Read the reference of a bundle's profile; None where the bundle was written before there was one.

    Raises:
        BundleError: If it is there and cannot be read.
    """
    if KEY not in profile:
        return None
    table = profile[KEY]
    try:
        table = table if "signals" in table else _of_one_label(table)
        sample = Sample(
            int(table["rows"]), {str(name): read_values(own) for name, own in table["signals"].items()}
        )  # fmt: skip
        if any(len(values) != len(sample) for values in sample.signals.values()):
            raise ValueError("signals differ in length")
        correct = np.asarray(table["correct"], dtype=bool)
        return Reference(sample, correct, *(_unpacked(table[name]) for name in ("states", "mean", "components")))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BundleError(
            Remark(
                f"The bundle's profile.json holds no readable {KEY!r} ({error}).",
                f"模型包的 profile.json 里没有可读的 {KEY!r}（{error}）。",
            ),
            Remark("Train the model again, or upgrade.", "请重新训练模型，或升级飞轮。"),
        ) from error


def _of_one_label(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table as it is now, from bundles that were written when one label was all that was watched."""
    signals = {name: {"kind": "numbers", "values": table[name]} for name in ("scores", "characters", "unknown")}
    signals["scripts"] = Categories(tuple(map(str, table["scripts"]))).to_json()
    signals["labels"] = {"kind": "categories", "names": table["label_names"], "values": table["labels"]}
    used = {name: own for name, own in signals.items() if own["values"]}
    return {**table, "rows": len(table["scores"]), "signals": used}


def _principal(pooled: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean, shape (hidden,), and principal components, shape (hidden, dimensions), in half precision.

    They come from other rows than those whose states are kept: a base that fits the kept rows too well would make every
    window look different from them.
    """
    mean = pooled.mean(axis=0)
    _, values, directions = np.linalg.svd(pooled - mean, full_matrices=False)
    dimensions = min(DIMENSIONS, int((values > 1e-6 * max(1e-12, values.max(initial=0))).sum()))
    components = directions[:dimensions].T
    components = components * np.sign(components[np.abs(components).argmax(axis=0), np.arange(dimensions)])
    return mean.astype(np.float16).astype(np.float32), components.astype(np.float16).astype(np.float32)


def evenly(rows: int, count: int) -> NDArray[np.int64]:
    """Return at most `count` row numbers, evenly spread."""
    return np.unique(np.linspace(0, rows - 1, min(rows, count)).round().astype(np.int64))


def _packed(values: NDArray[np.float32]) -> dict[str, Any]:
    halves = values.astype("<f2")
    return {"shape": list(values.shape), "float16": base64.b64encode(halves.tobytes()).decode("ascii")}


def _unpacked(table: Mapping[str, Any]) -> NDArray[np.float32]:
    values = np.frombuffer(base64.b64decode(table["float16"], validate=True), "<f2").astype(np.float32)
    return values.reshape(table["shape"])
