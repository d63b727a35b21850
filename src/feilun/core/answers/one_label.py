"""One label is right."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.errors import UsageError, nearest
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.core.observation import Observation


NOT_KNOWN = Remark("Its labels are not known here.", "这里不知道它有哪些标签。")


class OneLabel:
    """An answer is the name of a label."""

    field: ClassVar[str] = "label"
    thumbs: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    in_a_cell: ClassVar[str] = Remark(Remark("a label", "一个标签"), "一个标签")

    def own(self, prediction: Mapping[str, Any]) -> Any:
        """Return the answer of a prediction, in its JSON form."""
        return prediction.get(self.field)

    def target(self, answer: Any) -> str:
        """Return the label."""
        return str(answer)

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> str:
        """Return the label that a person named.

        Raises:
            UsageError: If the model has none of that name.
        """
        label = str(said)
        refuse_unknown(label, names, found.bundle)
        return label

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return the label as a cell."""
        return (target,)

    def right(self, prediction: Mapping[str, Any], target: Any) -> bool:
        """Say whether the label is the predicted one."""
        return bool(prediction["label"] == target)


def refuse_unknown(label: str, names: Collection[str], model: str) -> None:
    """Refuse a label that a model does not have.

    Raises:
        UsageError: Naming the nearest that it has.
    """
    if label not in names:
        hint = nearest(label, names) if names else NOT_KNOWN
        raise UsageError(
            Remark(f"{label!r} is no label of {model}. {hint}", f"{model} 没有标签 {label!r}。{hint.chinese}"),
            Remark('What no label fits can be said in "text".', '没有合适的标签时，可写在 "text" 中。'),
        )
