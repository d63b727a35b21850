"""Business rules as decision tables, beside the model: JSON that people edit, evaluated by zen-engine.

A file is of the form that GoRules' editor writes (JSON Decision Model): tables with inputs, outputs and rows, joined by
edges. Tables alone are allowed: a node of any other kind, such as a function in JavaScript, would be a program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feilun.core.errors import DataError, MissingExtra

ALLOWED = ("inputNode", "outputNode", "decisionTableNode")

FORM = 'A table is {"nodes": [inputNode, decisionTableNode, outputNode], "edges": […]}; see docs/customer-service.md.'


class DecisionTables:
    """Decision tables in order; safe to share between threads.

    Args:
        paths: Their files.

    Raises:
        DataError: If a file is no decision table, holds more than tables, or names outputs that are not known.
        MissingExtra: If zen-engine is not installed.
    """

    def __init__(self, paths: Sequence[Path], outputs: Sequence[str]) -> None:
        self._decisions = []
        if not paths:
            return
        try:
            import zen
        except ImportError as error:
            raise MissingExtra("zen-engine", "knowledge", "Evaluating decision tables") from error
        engine = zen.ZenEngine()
        for path in paths:
            text = _checked(path, outputs)
            try:
                decision = engine.create_decision(text)
                decision.evaluate({})
            except (RuntimeError, ValueError) as error:
                raise DataError(f"{path.name} is no decision table: {_first_line(error)}.", FORM) from error
            self._decisions.append(decision)

    def __len__(self) -> int:
        return len(self._decisions)

    def rows(self, facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the outputs of the rows that hold for some facts, table after table.

        Args:
            facts: What the rows look at, by name; values are compared, and never read as expressions.

        Raises:
            DataError: If an expression cannot be evaluated.
        """
        found: list[Mapping[str, Any]] = []
        for number, decision in enumerate(self._decisions, 1):
            try:
                result: Any = decision.evaluate(dict(facts))["result"]
            except (RuntimeError, ValueError) as error:
                raise DataError(f"Decision table {number} failed: {_first_line(error)}.", "Mend its cells.") from error
            rows = result if isinstance(result, list) else [result]  # a table that collects gives a list
            found += [row for row in rows if row]
        return found


def _checked(path: Path, outputs: Sequence[str]) -> str:
    """Return a file's text, once it holds tables alone."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        nodes = json.loads(text)["nodes"]
        kinds = [(str(node["name"]), str(node["type"])) for node in nodes]
        tables = [node["content"] for node in nodes if node["type"] == "decisionTableNode"]
        named = [str(output["field"]) for table in tables for output in table["outputs"]]
    except OSError as error:
        raise DataError(f"The decision table {path} cannot be read: {error.strerror}.", FORM) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name} is no decision table ({error!r}).", FORM) from error
    wrong = [f"{name} ({kind})" for name, kind in kinds if kind not in ALLOWED]
    if wrong:
        raise DataError(f"{path.name} holds more than tables: {', '.join(wrong)}.", f"Allowed: {', '.join(ALLOWED)}.")
    unknown = sorted({*named} - {*outputs})
    if unknown:
        raise DataError(f"{path.name} has the unknown outputs {', '.join(unknown)}.", f"Valid: {', '.join(outputs)}.")
    return text


def _first_line(error: Exception) -> str:
    """Return what the engine says; behind it stands a stack of addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    stop = next((i for i, line in enumerate(lines) if line.startswith("Stack backtrace")), len(lines))
    return " ".join(lines[:stop])[:200].rstrip(".")
