"""Texts without labels: what a student may learn its teacher's answers to."""

from __future__ import annotations

from feilun.core.splits import Splits
from feilun.data.loading import load
from feilun.data.settings import DataSettings


def unlabelled_texts(settings: DataSettings, splits: Splits) -> list[str]:
    """Read the texts of `data.unlabelled`, cleaned, each once.

    Args:
        settings: Names the file, the column of the texts and their cleaning.
        splits: What is judged by must not be learned from: texts that stand in validation or test are left out, and
            those of train, which are learned from anyway.

    Returns:
        The texts; none where no file is named.

    Raises:
        DataError: If the file cannot be read or lacks the column.
    """
    if settings.unlabelled is None:
        return []
    plain = DataSettings(settings.unlabelled, text=settings.text, encoding=settings.encoding)
    loaded = load(settings.unlabelled, plain, key="data.unlabelled", target=None, cleaning=settings.clean.cleaning())
    known = {text for part in (splits.train, splits.validation, splits.test) for text in part.text}
    return [text for text in dict.fromkeys(loaded.corpus.text) if text not in known]
