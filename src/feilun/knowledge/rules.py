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
from feilun.core.remark import Remark

ALLOWED = ("inputNode", "outputNode", "decisionTableNode")

CELLS = Remark(
    "Cells look like: < 5, [18..22], 'tea', contains($, 'tea'). Texts stand in quotation marks.",
    "单元格的写法如：< 5、[18..22]、'tea'、contains($, 'tea')。文本要加引号。",
)

EACH = "each"

SHAPE = '{"nodes": [inputNode, decisionTableNode, outputNode], "edges": […]}'
FORM = Remark(
    f"A table is {SHAPE}; see docs/customer-service.md.",
    f"决策表的形式为 {SHAPE}；见 docs/customer-service.zh-CN.md。",
)


class DecisionTables:
    """Decision tables in order; safe to share between threads.

    Args:
        paths: Their files.

    Raises:
        DataError: If a file is no decision table, holds more than tables, names outputs that are not known, or has a
            cell that cannot be read.
        MissingExtra: If zen-engine is not installed.
    """

    def __init__(self, paths: Sequence[Path], outputs: Sequence[str]) -> None:
        self._decisions = []
        self._of_each: list[Any] = []
        if not paths:
            return
        try:
            import zen
        except ImportError as error:
            raise MissingExtra("zen-engine", "knowledge", Remark("Evaluating decision tables", "计算决策表")) from error
        engine = zen.ZenEngine()
        for path in paths:
            text = _checked(path, outputs)
            try:
                decision = engine.create_decision(text)
                decision.evaluate({})
            except (RuntimeError, ValueError) as error:
                raise DataError(
                    Remark(
                        f"{path.name} is no decision table: {_first_line(error)}.",
                        f"{path.name} 不是决策表：{_first_line(error)}。",
                    ),
                    FORM,
                ) from error
            _check_cells(path.name, text)
            self._decisions.append(decision)
            looped = _looped(text)
            self._of_each.append(engine.create_decision(looped) if looped else None)

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
            found += _rows(_evaluated(decision, dict(facts), number))
        return found

    def rows_of_each(self, facts: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
        """Do the same for many facts at once, which is some twenty times as fast as one after the other.

        Args:
            facts: As for `rows`, of each.

        Returns:
            The outputs for each.

        Raises:
            DataError: If an expression cannot be evaluated.
        """
        found: list[list[Mapping[str, Any]]] = [[] for _ in facts]
        if not facts:
            return found
        for number, (decision, of_each) in enumerate(zip(self._decisions, self._of_each, strict=True), 1):
            if of_each is not None:
                results = _evaluated(of_each, {EACH: [dict(one) for one in facts]}, number)
            else:
                results = [_evaluated(decision, dict(one), number) for one in facts]
            for mine, result in zip(found, results, strict=True):
                mine += _rows(result)
        return found


def _check_cells(name: str, text: str) -> None:
    """Refuse cells that cannot be read: the engine takes them as ones that never hold, without a word."""
    import zen

    for node in json.loads(text)["nodes"]:
        if node["type"] != "decisionTableNode":
            continue
        inputs = [(one, zen.compile_unary_expression if one.get("field") else zen.compile_expression)
                  for one in node["content"].get("inputs", [])]  # fmt: skip
        columns = [*inputs, *((one, zen.compile_expression) for one in node["content"]["outputs"])]
        for number, row in enumerate(node["content"].get("rules", []), 1):
            for column, read in columns:
                cell = str(row.get(column["id"]) or "").strip()
                if cell in {"", "-"}:
                    continue
                try:
                    read(cell)
                except (RuntimeError, ValueError) as error:
                    place = f"{name}, row {number}, column {column.get('name') or column.get('field')!r}"
                    raise DataError(
                        Remark(
                            f"{place}: {cell!r} cannot be read: {_first_line(error)}.",
                            f"{place}：{cell!r} 无法解读：{_first_line(error)}。",
                        ),
                        CELLS,
                    ) from error


def _evaluated(decision: Any, facts: dict[str, Any], number: int) -> Any:
    try:
        return decision.evaluate(facts)["result"]
    except (RuntimeError, ValueError) as error:
        raise DataError(
            Remark(
                f"Decision table {number} failed: {_first_line(error)}.",
                f"第 {number} 张决策表出错：{_first_line(error)}。",
            ),
            Remark("Mend its cells.", "请改正其单元格。"),
        ) from error


def _rows(result: Any) -> list[Mapping[str, Any]]:
    rows = result if isinstance(result, list) else [result]  # a table that collects gives a list
    return [row for row in rows if row]


def _looped(text: str) -> str:
    """Return a file that asks its table about each of many facts; nothing where it has several that are joined."""
    content = json.loads(text)
    tables = [node["content"] for node in content["nodes"] if node["type"] == "decisionTableNode"]
    if len(tables) != 1 or tables[0].get("executionMode") == "loop" or tables[0].get("inputField"):
        return ""
    tables[0].update(executionMode="loop", inputField=EACH, outputPath=None)
    return json.dumps(content)


def _checked(path: Path, outputs: Sequence[str]) -> str:
    """Return a file's text, once it holds tables alone."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        nodes = json.loads(text)["nodes"]
        kinds = [(str(node["name"]), str(node["type"])) for node in nodes]
        tables = [node["content"] for node in nodes if node["type"] == "decisionTableNode"]
        named = [str(output["field"]) for table in tables for output in table["outputs"]]
    except OSError as error:
        raise DataError(
            Remark(
                f"The decision table {path} cannot be read: {error.strerror}.",
                f"决策表 {path} 无法读取：{error.strerror}。",
            ),
            FORM,
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            Remark(f"{path.name} is no decision table ({error!r}).", f"{path.name} 不是决策表（{error!r}）。"), FORM
        ) from error
    wrong = [f"{name} ({kind})" for name, kind in kinds if kind not in ALLOWED]
    if wrong:
        raise DataError(
            Remark(
                f"{path.name} holds more than tables: {', '.join(wrong)}.",
                f"{path.name} 里不只有决策表：{'、'.join(wrong)}。",
            ),
            Remark(f"Allowed: {', '.join(ALLOWED)}.", f"允许：{'、'.join(ALLOWED)}。"),
        )
    unknown = sorted({*named} - {*outputs})
    if unknown:
        raise DataError(
            Remark(
                f"{path.name} has the unknown outputs {', '.join(unknown)}.",
                f"{path.name} 有未知的输出 {'、'.join(unknown)}。",
            ),
            Remark(f"Valid: {', '.join(outputs)}.", f"可用：{'、'.join(outputs)}。"),
        )
    return text


def _first_line(error: Exception) -> str:
    """Return what the engine says; behind it stands a stack of addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    stop = next((i for i, line in enumerate(lines) if line.startswith("Stack backtrace")), len(lines))
    return " ".join(lines[:stop])[:200].rstrip(".")
