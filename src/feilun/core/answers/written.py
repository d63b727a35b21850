"""A written text is right: the one that a person would have sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from feilun.core.errors import UsageError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from feilun.core.observation import Observation


class WrittenText:
    """An answer is a text, and so it is as a target.

    A person may well have chosen other words that are as good: a thumb up calls what was written right, too.
    """

    field: ClassVar[str] = "answer"
    thumbs: ClassVar[bool] = True
    free_text: ClassVar[bool] = True
    in_a_cell: ClassVar[str] = Remark(
        Remark("the text that should have been written", "本应写出的文本"), "本该写出的文本"
    )

    def own(self, prediction: Mapping[str, Any]) -> Any:
        """Return what was written."""
        return prediction["text"]

    def target(self, answer: Any) -> str:
        """Return the text, without blanks at its ends."""
        return str(answer).strip()

    def checked(self, said: Any, found: Observation, names: Collection[str]) -> str:
        """Return the text that a person told.

        Raises:
            UsageError: If it is empty.
        """
        answer = self.target(said)
        if not answer:
            raise UsageError(
                Remark("The answer is empty.", "回答是空的。"),
                Remark(
                    'Where nothing should have been written, say "thumbs": "down".',
                    '如果本不该写任何内容，请用 "thumbs": "down"。',
                ),
            )
        return answer

    def cells(self, target: Any) -> tuple[Any, ...]:
        """Return the text as a cell."""
        return (target,)

    def right(self, prediction: Mapping[str, Any], target: Any) -> bool:
        """Say whether it is what was written, blanks apart."""
        return str(prediction["text"]).split() == str(target).split()
