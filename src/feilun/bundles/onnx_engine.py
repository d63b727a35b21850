"""A language model in ONNX as an engine of `feilun.text.decoding`: what it reads, gives, and keeps of what it read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from feilun.bundles.session import EXPORT_AGAIN, Session
from feilun.core.errors import BundleError
from feilun.core.remark import Remark
from feilun.text.tokens import pad

INPUTS = ("input_ids", "lengths", "longest", "picked")
OUTPUTS = ("logits", "states")


class OnnxEngine:
    """Gives the next token's logits, with the keys and values of what was read kept.

    Args:
        session: Runs the model.
        cache: What it keeps.
        pad_id: Id of the padding token.
        beginning: What every prompt begins with, where that was read already.
    """

    def __init__(
        self,
        session: Session,
        cache: Cache,
        pad_id: int,
        beginning: Beginning | None = None,
    ) -> None:
        self.session, self.cache, self.pad_id, self.beginning = session, cache, pad_id, beginning
        self._lengths = np.empty(0, np.int32)
        self.kept: dict[str, Any] = {}
        """Keys and values of what was read, as inputs."""
        self.ids: list[list[int]] = []
        """What was read of each row."""

    def start(self, prompts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Read prompts; return the logits of the token behind each, shape (rows, vocabulary)."""
        logits = self._start(prompts)
        self.ids = [list(prompt) for prompt in prompts]
        return logits

    def _start(self, prompts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        begun = self.beginning
        if begun is not None and len(prompts) == 1 and begun.begins(prompts[0]):
            self._lengths, self.kept = np.array([len(prompts[0])], np.int32), begun.kept
            rest = np.array([prompts[0][len(begun.ids) :]], dtype=np.int64)
            return self._run(rest, np.array([rest.shape[1] - 1]))
        ids, mask = pad(prompts, self.pad_id)
        self._lengths = mask.sum(1).astype(np.int32)
        self.kept = self.cache.empty(len(prompts))
        return self._run(ids, np.arange(len(ids)) * ids.shape[1] + self._lengths - 1)

    def go_on(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Read one more token of each row; return the logits of the one behind it, shape (rows, vocabulary)."""
        self._lengths = self._lengths + 1
        logits = self._run(np.array(tokens, dtype=np.int64)[:, None], np.arange(len(tokens)))
        for ids, token in zip(self.ids, tokens, strict=True):
            ids.append(token)
        return logits

    def join(self, other: OnnxEngine) -> None:
        """Put the rows of another engine of the same model behind one's own."""
        longest = max(*self._lengths.tolist(), *other._lengths.tolist())
        self.kept = {
            name: value_of(
                np.concatenate([_lengthened(part[name].numpy(), longest) for part in (self.kept, other.kept)])
            )
            for name in self.kept
        }
        self._lengths = np.concatenate([self._lengths, other._lengths])
        self.ids += other.ids

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some rows alone, at least one."""
        self.kept, self._lengths = self.part(rows), self._lengths[list(rows)]
        self.ids = [self.ids[row] for row in rows]

    def part(self, rows: Sequence[int]) -> dict[str, Any]:
        """Return keys and values of what was read of some rows."""
        longest = int(self._lengths[list(rows)].max())
        return {name: value_of(value.numpy()[list(rows), :, :longest]) for name, value in self.kept.items()}

    def _run(self, ids: NDArray[np.int64], picked: NDArray[np.int64]) -> NDArray[np.float32]:
        names = self.cache.names
        feeds = {name: value_of(array) for name, array in feeds_of(ids, self._lengths, picked).items()} | self.kept
        wanted = ["logits", *(f"present.{name}" for name in names)]
        logits, *grown = self.session.run_with_ort_values(wanted, feeds)
        self.kept = {f"past.{name}": value for name, value in zip(names, grown, strict=True)}
        found: NDArray[np.float32] = logits.numpy()
        return found


def _lengthened(array: NDArray[np.float32], tokens: int) -> NDArray[np.float32]:
    """Pad keys or values of shape (rows, heads, tokens, size) behind their tokens."""
    return np.pad(array, ((0, 0), (0, 0), (0, tokens - array.shape[2]), (0, 0)))


@dataclass(frozen=True)
class Beginning:
    """What every prompt begins with, read once.

    Args:
        ids: Its tokens.
        kept: Their keys and values, as inputs; they are read and never changed.
    """

    ids: list[int]
    kept: dict[str, Any]

    def begins(self, prompt: Sequence[int]) -> bool:
        """Say whether a prompt begins so, and goes on."""
        return len(prompt) > len(self.ids) and list(prompt[: len(self.ids)]) == self.ids


@dataclass(frozen=True)
class Cache:
    """What a model keeps of the tokens that it read.

    Args:
        names: Of keys and values, layer by layer.
        heads: That keys and values have.
        size: Numbers of a head.
        hidden: Numbers of a state.
    """

    names: tuple[str, ...]
    heads: int
    size: int
    hidden: int

    def empty(self, rows: int) -> dict[str, Any]:
        """Return the cache of rows of which nothing is read, as inputs."""
        nothing = np.zeros((rows, self.heads, 0, self.size), dtype=np.float32)
        return {f"past.{name}": value_of(nothing) for name in self.names}


def cache_of(session: Session, model: Path) -> Cache:
    """Return what a model keeps.

    Raises:
        BundleError: If it is no language model with a cache.
    """
    inputs = {value.name: value.shape for value in session.get_inputs()}
    outputs = {value.name: value.shape for value in session.get_outputs()}
    names = tuple(name.removeprefix("past.") for name in inputs if name.startswith("past."))
    fits = set(INPUTS) <= set(inputs) and {*OUTPUTS, *(f"present.{name}" for name in names)} == set(outputs)
    if not fits or not names:
        raise BundleError(
            Remark(
                f"{model} reads {sorted(inputs)[:6]} and gives {sorted(outputs)[:6]}; a model that writes answers "
                f"reads {list(INPUTS)} and its cache, and gives {list(OUTPUTS)} and the grown cache.",
                f"{model} 的输入是 {sorted(inputs)[:6]}，输出是 {sorted(outputs)[:6]}；写答案的模型的输入应为 "
                f"{list(INPUTS)} 和缓存，输出应为 {list(OUTPUTS)} 和增长后的缓存。",
            ),
            EXPORT_AGAIN,
        )
    _, heads, _, size = inputs[f"past.{names[0]}"]
    return Cache(names, int(heads), int(size), int(outputs["states"][-1]))


def feeds_of(
    ids: NDArray[np.int64], lengths: NDArray[np.integer], picked: Sequence[int] | NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Return the inputs of a model without its cache.

    Args:
        ids: Token ids, padded on the right, shape (rows, tokens).
        lengths: Tokens of each row with those in the cache, shape (rows,).
        picked: Places in rows × tokens whose logits are wanted.
    """
    own = lengths.astype(np.int32)
    longest = np.array(own.max(), dtype=np.int32)
    return dict(zip(INPUTS, (ids, own, longest, np.asarray(picked, dtype=np.int64)), strict=True))


def read(
    session: Session,
    cache: Cache,
    ids: NDArray[np.int64],
    mask: NDArray[np.int64],
    picked: Sequence[int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read rows from their start.

    Args:
        session: Runs the model.
        cache: What it keeps.
        ids: Token ids, padded on the right, shape (rows, longest).
        mask: 1 where there is a token, of the same shape.
        picked: Places in rows × longest.

    Returns:
        Logits, shape (picked, vocabulary), and states, shape (picked, hidden), of the picked places.
    """
    feeds = {name: value_of(array) for name, array in feeds_of(ids, mask.sum(1), picked).items()}
    logits, states = session.run_with_ort_values(list(OUTPUTS), feeds | cache.empty(len(ids)))
    return logits.numpy(), states.numpy()


def value_of(array: NDArray[Any]) -> Any:
    """Return an array as ONNX Runtime's own kind of value."""
    return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))
