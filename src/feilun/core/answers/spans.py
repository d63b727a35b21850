"""Spans of the text are right, of which there may be none."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.answers.one_label import refuse_unknown
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.core.spans import Span

if TYPE_CHECKING:
    from feilun.core.observation import Observation

EXAMPLE = Remark(
    'Such as [{"start": 0, "end": 2, "label": "name"}], characters counted from 0, or [] where there is none.',
    '例如 [{"start": 0, "end": 2, "label": "name"}]，字符从 0 起计数；没有片段时写 []。',
)


class Spans:
    """An answer is a list of tables with start, end and label; as a target a tuple of spans in their order."""

    field: ClassVar[str] = "spans"
    thumbs: ClassVar[bool] = True
    free_text: ClassVar[bool] = False
    in_a_cell: ClassVar[str] = Remark(
        Remark(
            'spans as JSON: [{"start": 0, "end": 2, "label": "name"}], or [] where there is none',
            'JSON 片段列表：[{"start": 0, "end": 2, "label": "name"}]，没有片段时填 []',
        ),
        '用 JSON 写的片段：[{"start": 0, "end": 2, "label": "name"}]，没有时为 []',
    )

    def own(self, prediction: Mapping[str, Any]) -> Any:
        """Return the answer of a prediction, in its JSON form."""
        return prediction.get(self.field)

    def target(self, answer: Any) -> tuple[Span, ...]:
        """Return the spans, in their order."""
        return tuple(sorted(Span(one["start"], one["end"], one["label"]) for one in answer))

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> list[dict[str, Any]]:
        """Return the spans that a person told, in their order: a list, or a cell of a table that holds one as JSON.

        Raises:
            UsageError: If one is none of the text, overlaps another, or has a label that the model does not know.
        """
        try:
            spans = self.target(json.loads(said) if isinstance(said, str) else said)
        except (KeyError, TypeError, ValueError) as error:
            start = repr(str(said)[:60])
            raise UsageError(Remark(f"{start} is no list of spans.", f"{start} 不是片段列表。"), EXAMPLE) from error
        for span in spans:
            whole = all(isinstance(end, int) and not isinstance(end, bool) for end in span[:2])
            if not whole or not 0 <= span.start < span.end <= len(found.text):
                outside = Remark(
                    f"The text has {len(found.text)} characters: none from {span.start} to {span.end}.",
                    f"文本有 {len(found.text)} 个字符：没有 {span.start} 至 {span.end} 这一段。",
                )
                raise UsageError(outside, EXAMPLE)
            refuse_unknown(span.label, names, found.bundle)
        for one, other in pairwise(spans):
            if other.start < one.end:
                raise UsageError(
                    Remark(f"{tuple(one)} and {tuple(other)} overlap.", f"{tuple(one)} 与 {tuple(other)} 重叠。"),
                    Remark("A character has one label.", "一个字符只有一个标签。"),
                )
        return _tables(spans)

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return the spans as one cell, a list of tables."""
        return (_tables(target),)

    def right(self, prediction: Mapping[str, Any], target: Any) -> bool:
        """Say whether the spans are the same."""
        return bool(self.target(prediction["spans"]) == target)


def _tables(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [span._asdict() for span in spans]
