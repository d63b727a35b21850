"""Whether two texts say the same: one of two labels a row, or one alone where every row is such a pair."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from feilun.core.errors import DataError
from feilun.core.labels import LabelSet
from feilun.core.remark import Remark
from feilun.data.paths import column_of, shown
from feilun.data.target_kinds.pair_label import drop_empty_pairs

if TYPE_CHECKING:
    from feilun.data.loading import Loaded
    from feilun.data.settings import DataSettings

OPPOSITES = (
    ("0", "1"), ("0.0", "1.0"), ("-1", "1"), ("false", "true"), ("no", "yes"), ("different", "same"),
    ("negative", "positive"), ("not_duplicate", "duplicate"), ("否", "是"), ("不同", "相同"),
)  # fmt: skip
"""Labels of pairs that differ and of pairs that say the same."""

DIFFERENT, SAME = "different", "same"


class SameOrNot:
    """A label is the text of its cell; without a target column every row is a pair that says the same."""

    lists: ClassVar[bool] = False
    pairs: ClassVar[bool] = False  # a search is asked anew about the same collection

    def read(self, loaded: Loaded, settings: DataSettings) -> None:
        """Drop rows without a second text, and call every pair the same where there are no cells.

        Raises:
            DataError: If no row has a second text.
        """
        drop_empty_pairs(loaded, settings)
        if not settings.targets:
            loaded.corpus = replace(loaded.corpus, target=[SAME] * len(loaded.corpus))

    def learn(self, loaded: Loaded, settings: DataSettings) -> tuple[LabelSet, list[str]]:
        """Return the label of pairs that differ, and that of pairs that say the same, in this order.

        Raises:
            DataError: If there are more than two labels, or it cannot be told which of them is which.
        """
        found = sorted(set(loaded.corpus.target or ()))
        source = shown(loaded.source)
        place = column_of(settings.targets[0], source) if settings.targets else Remark(source, source)
        pair = _pair(found, settings.same)
        if pair is None:
            raise _not_told(found, place)
        rows = len(loaded.corpus)
        same = sum(target == pair[1] for target in loaded.corpus.target or ())
        if not same:
            raise DataError(
                Remark(
                    f"None of the {rows:,} rows says the same, {pair[1]!r} ({place}): there is nothing to learn.",
                    f"{place.chinese}的 {rows:,} 行中没有一对同义（{pair[1]!r}）：没有可学的内容。",
                ),
                Remark(
                    "Add pairs that do, or name their label in data.same.",
                    "请补充同义的文本对，或在 data.same 中写明它们的标签。",
                ),
            )
        found_pairs = Remark(
            f"Of {rows:,} pairs, {same:,} say the same ({pair[1]!r}) and {rows - same:,} do not.",
            f"{rows:,} 对文本中，{same:,} 对同义（{pair[1]!r}），{rows - same:,} 对不同义。",
        )
        return LabelSet(pair), [found_pairs]

    def names(self, target: str) -> Sequence[str]:
        """Return the label."""
        return (target,)

    def strata(self, targets: Sequence[str]) -> Sequence[Hashable]:
        """Return the labels."""
        return targets


def _not_told(found: Sequence[str], place: Remark) -> DataError:
    named, more = [repr(label) for label in found[:5]], len(found) > 5
    return DataError(
        Remark(
            f"The {place} has {len(found)} labels ({', '.join(named)}{' and others' if more else ''}), and it cannot "
            "be "
            "told which one means that two texts say the same.",
            f"{place.chinese}有 {len(found)} 个标签（{'、'.join(named)}{' 等' if more else ''}），"
            "看不出哪一个表示两个文本同义。",
        ),
        Remark(
            "There may be two labels: name that of pairs that say the same in data.same. With every row such a "
            'pair, set data.target = []. For more labels, model.encoder = "cross" is made.',
            "最多两个标签：请在 data.same 中写明表示同义的那个。若每行都是同义的一对，请设置 data.target = []。"
            '标签更多时，请用 model.encoder = "cross"。',
        ),
    )


def _pair(found: Sequence[str], named: str) -> tuple[str, str] | None:
    """Return the label of pairs that differ, and that of pairs that say the same, or None where that is not clear."""
    if named != "auto":
        others = [label for label in found if label != named]
        if named not in found or len(others) > 1:
            return None
        return (others[0] if others else f"not {named}"), named
    return opposites(found)


def opposites(labels: Sequence[str]) -> tuple[str, str] | None:
    """Return the label of pairs that differ, and that of pairs that say the same, where they are of `OPPOSITES`."""
    for different, same in OPPOSITES:
        if {label.strip().lower() for label in labels} <= {different, same}:
            written = {label.strip().lower(): label for label in labels}
            if len(written) == len(labels) and same in written:
                return written.get(different, different), written[same]
    return None
