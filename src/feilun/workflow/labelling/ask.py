"""Labels for the texts of a table, suggested by a large model, and how far it agrees with people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from feilun.core import places
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.data.loading import load
from feilun.data.readers.sources import open_rows
from feilun.data.readers.tables import texts_of
from feilun.data.settings import CleanSettings, DataSettings
from feilun.labelling.agreement import cohen_kappa
from feilun.labelling.chat_endpoint import ChatEndpoint
from feilun.labelling.llm_labels import Asked, Memory, Prompt, ask
from feilun.text.redact import ORDER
from feilun.workflow.getting_started.first_look import look
from feilun.workflow.labelling.added_columns import write_added

COLUMN = "asked_label"
KEY_VARIABLE = "OPENAI_API_KEY"


@dataclass(frozen=True)
class Limits:
    """What asking may cost.

    Args:
        calls: Most answers to fetch.
        tokens: Tokens after which none is fetched; None sets no limit.
        sample: Texts with a label of a person that are asked about first, to measure the agreement.
    """

    calls: int = 100
    tokens: int | None = None
    sample: int = 50


@dataclass(frozen=True)
class Helped:
    """What a large model suggested.

    Args:
        source: The table.
        corpus: Its texts, personal data replaced; an id is the number of the row.
        asked: What came of asking, by row number.
        told: Labels that people gave, by row number.
    """

    source: str
    corpus: Corpus
    asked: Asked
    told: dict[int, str]

    def to_json(self) -> dict[str, Any]:
        """Return the report."""
        named = {row: label for row, label in self.asked.labels.items() if label is not None}
        both = sorted(set(named) & set(self.told))
        people, model = [self.told[row] for row in both], [named[row] for row in both]
        kappa = cohen_kappa(people, model)
        agreement = None if not both else {
            "texts": len(both), "agree": round(float(np.mean([a == b for a, b in zip(people, model, strict=True)])), 4),
            "cohen_kappa": None if np.isnan(kappa) else round(kappa, 4),
        }  # fmt: skip
        return {
            "texts": len(self.corpus), "asked": len(self.asked.labels), "named": len(named),
            "without_a_label": len(self.asked.labels) - len(named), "fetched": self.asked.calls,
            "remembered": self.asked.remembered, "tokens": self.asked.tokens, "stopped": self.asked.stopped or None,
            "agreement_with_people": agreement,
        }  # fmt: skip


def endpoint_of(url: str, model: str) -> ChatEndpoint:
    """Return the service at an address, with the key of the environment."""
    return ChatEndpoint(url, model, os.environ.get(KEY_VARIABLE))


def ask_for_labels(
    source: str,
    endpoint: ChatEndpoint,
    labels: Sequence[str],
    more: str,
    limits: Limits,
    text: str | None = None,
    target: str | None = None,
    seed: int = 13,
) -> Helped:
    """Ask a large model for the labels of a table's texts; those that a person labelled go first, as a sample.

    Personal data in the texts is replaced before they are sent.

    Args:
        source: The table.
        endpoint: Whom to ask.
        labels: The labels to choose from; else those that people gave.
        more: What else to tell the model.
        limits: What it may cost.
        text: The column of texts; else the one that looks like it.
        target: The column of labels that people gave, where some rows have one.
        seed: Draws the sample.

    Raises:
        UsageError: If there are fewer than two labels.
        DataError: If the table cannot be read.
        ServiceError: If the service fails; what was answered is kept.
    """
    column = text or look(source).text
    clean = CleanSettings(redact=ORDER)
    settings = DataSettings(source, text=column, target=(), clean=clean)
    corpus = load(source, settings, key="the table", target=None, cleaning=clean.cleaning()).corpus
    told = {} if target is None else _told(source, target)
    names = tuple(labels) or tuple(sorted(set(told.values())))
    if len(names) < 2:
        raise UsageError(
            Remark("A label is chosen from two at least.", "至少要有两个标签可选。"),
            Remark(
                "Name them: --labels good,bad, or --target COLUMN.", "请给出：--labels good,bad，或 --target COLUMN。"
            ),
        )
    numbered = [(int(identity), one) for identity, one in zip(corpus.id, corpus.text, strict=True)]
    measured = [pair for pair in numbered if pair[0] in told]
    order = np.random.default_rng(seed).permutation(len(measured))[: limits.sample]
    texts = [measured[i] for i in order] + [pair for pair in numbered if pair[0] not in told]
    memory = Memory(places.home() / "asked" / "answers.jsonl")
    asked = ask(texts, Prompt(names, more), endpoint, memory, limits.calls, limits.tokens)
    return Helped(source, corpus, asked, told)


def write_asked(helped: Helped, path: Path) -> int:
    """Write the table's rows with the label that the model suggested, empty where it named none or was not asked."""
    cells = {row: (label,) for row, label in helped.asked.labels.items()}
    return write_added(helped.source, path, {COLUMN: str}, cells)


def _told(source: str, column: str) -> dict[int, str]:
    """Return the labels that stand in a column, by row number."""
    cells = [cell for frame in open_rows(source, columns=[column]) for cell in texts_of(frame, column)]
    return {row: cell.strip() for row, cell in enumerate(cells, 1) if cell and cell.strip()}
