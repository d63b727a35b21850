"""One or several numbers are right."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.errors import UsageError, nearest
from feilun.core.remark import Remark, said_in

if TYPE_CHECKING:
    from feilun.core.observation import Observation


class Numbers:
    """An answer is a number, or several by name; as a target a tuple."""

    field: ClassVar[str] = "value"
    thumbs: ClassVar[bool] = False
    free_text: ClassVar[bool] = False
    in_a_cell: ClassVar[str] = Remark(
        Remark("a number, or several as JSON: {name: number}", "一个数字，或用 JSON 写多个：{名称: 数字}"),
        "一个数值，或用 JSON 写几个：{名称: 数值}",
    )

    def own(self, prediction: Mapping[str, Any]) -> Any:
        """Return the answer of a prediction, in its JSON form."""
        return prediction.get(self.field)

    def target(self, answer: Any) -> tuple[float, ...]:
        """Return the numbers, in the model's order."""
        return tuple(map(float, answer.values() if isinstance(answer, Mapping) else (answer,)))

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> Any:
        """Return the numbers that a person told, in the model's order.

        Raises:
            UsageError: If one is missing, unknown or no finite number.
        """
        own = found.prediction[self.field]
        if not isinstance(own, Mapping):
            return finite(said, self.field)
        told = _table(said) if isinstance(said, str) else said
        if not isinstance(told, Mapping):
            problem = Remark(
                f"{found.bundle} gives several numbers, and {str(said)[:60]!r} is one.",
                f"{found.bundle} 给出多个数字，而 {str(said)[:60]!r} 只有一个。",
            )
            raise UsageError(problem, _example(own))
        for name in (*told, *own):
            if name not in own:
                hint = nearest(name, own)
                problem = Remark(
                    f"{found.bundle} gives no number {name!r}. {hint}",
                    f"{found.bundle} 没有名为 {name!r} 的数字。{said_in('zh', hint)}",
                )
                raise UsageError(problem, _example(own))
            if name not in told:
                raise UsageError(Remark(f"The number {name!r} is missing.", f"缺少数字 {name!r}。"), _example(own))
        return {name: finite(told[name], name) for name in own}

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return the numbers, a cell each."""
        return tuple(target)

    def right(self, prediction: Mapping[str, Any], target: Any) -> bool:
        """Say whether all numbers lie within their intervals; where there are none, whether they are the same."""
        intervals = prediction.get("interval")
        ends = list(intervals.values()) if isinstance(intervals, Mapping) else [intervals]
        values = zip(self.target(prediction[self.field]), ends, target, strict=True)
        return all(own == true if end is None else end[0] <= true <= end[1] for own, end, true in values)


def finite(said: Any, name: str) -> float:
    """Return what a person told as a number.

    Raises:
        UsageError: If it is no finite one; `name` says what it stands for.
    """
    try:
        number = float(said)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(said, bool) or not math.isfinite(number):
        problem = Remark(
            f"{name} is {str(said)[:60]!r}, no finite number.", f"{name} 是 {str(said)[:60]!r}，不是有限的数字。"
        )
        raise UsageError(problem, Remark(f"Such as {json.dumps({name: 12.5})}.", f"例如 {json.dumps({name: 12.5})}。"))
    return number


def _table(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _example(own: Mapping[str, Any]) -> Remark:
    written = json.dumps(dict(own), ensure_ascii=False)
    return Remark(f"Such as {written}.", f"例如 {written}。")
