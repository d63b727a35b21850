"""The data report laid out for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from feilun.core.remark import Language, Remark, said_in
from feilun.data.quality import QUANTILES
from feilun.data.split import SET_NAMES_ZH
from feilun.text.clean import STEPS

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

SHOWN = 8
"""Labels that are listed; the others are added up."""

LONGEST_CELL = 30
LEAST_SHOWN = 0.005
"""Share of the letters below which a script is not named: it would stand as 0 %."""

WORDS_ZH = {
    "label": "标签", "share": "占比", "feature": "列", "kind": "类型", "missing": "缺失", "distinct": "不同值",
    "what it holds": "内容", "number": "数值", "category": "类别", "length in": "长度", "characters": "字符",
    "tokens": "词元", "mean": "均值", "minimum": "最小", "median": "中位数", "maximum": "最大", "dropped": "丢弃",
    "cleaned": "清洗", "fingerprint": "指纹", **SET_NAMES_ZH,
}  # fmt: skip
"""Single words in Chinese; what is not here stands as it is."""


def render(report: Mapping[str, Any], language: Language = "en") -> RenderableType:
    """Lay out a data report for the terminal.

    Args:
        report: What `prepare` put into `Splits.report`.
        language: `zh` or `en`.

    Returns:
        Something that rich prints.
    """
    from rich.console import Group

    return Group(*_parts(report, language))


def _parts(report: Mapping[str, Any], language: Language) -> Iterator[RenderableType]:
    from rich.text import Text

    if "tasks" in report:
        for name, own in report["tasks"].items():
            yield Text(name, "bold")
            yield from _parts(own, language)
        return
    yield Text(said_in(language, _head(report["rows"])), "bold")
    yield Text("  " + ", ".join(f"{_word(name, language)} {count:,}" for name, count in report["sets"].items()))
    for reason, count in report["rows"]["dropped"].items():
        yield Text(f"  {_word('dropped', language)} {count:,}: {said_in(language, reason)}")
    for step, count in report["cleaning"].items():
        yield Text(f"  {_word('cleaned', language)} {count:,}: {said_in(language, STEPS[step])}")
    if report["labels"]:
        yield _labels_table(report, language)
    if report.get("features"):
        yield _features_table(report, language)
    told = f"{_word('fingerprint', language)} {report['fingerprint'][:12]}"
    if report["length"].get("characters", {}).get("maximum") != 0:  # there are texts
        yield _lengths_table(report, language)
        told = f"{said_in(language, _languages(report['language']))} · {told}"
    yield Text(f"  {told}")
    for warning in _warnings(report):
        yield Text(f"  ! {said_in(language, warning)}", "yellow")


def _word(word: str, language: Language) -> str:
    return WORDS_ZH.get(word, word) if language == "zh" else word


def _head(rows: Mapping[str, int]) -> Remark:
    read, kept = rows["in"], rows["kept"]
    return Remark(
        f"Data: {read:,} rows in = {kept:,} kept + {read - kept:,} dropped",
        f"数据：读入 {read:,} 行 = 保留 {kept:,} + 丢弃 {read - kept:,}",
    )


def _languages(found: Mapping[str, Any]) -> Remark:
    seen = [(name, share) for name, share in found["scripts"].items() if share >= LEAST_SHOWN]
    scripts, languages = ", ".join(f"{name} {share:.0%}" for name, share in seen[:4]), ", ".join(found["languages"])
    return Remark(
        f"languages: {languages or 'none'} (letters: {scripts})", f"语言：{languages or '无'}（文字：{scripts}）"
    )


def _table(words: tuple[str, ...], numbers: tuple[str, ...], language: Language) -> Table:
    """Make a table whose columns of words stand left and whose numbers stand right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for name in words:
        table.add_column(_word(name, language))
    for name in numbers:
        table.add_column(_word(name, language), justify="right")
    return table


def _labels_table(report: Mapping[str, Any], language: Language) -> RenderableType:
    table = _table(("label",), (*report["sets"], "share"), language)
    labels = sorted(report["labels"].items(), key=lambda item: -sum(item[1].values()))
    total = max(1, sum(sum(counts.values()) for _, counts in labels))
    for label, counts in labels[:SHOWN]:
        share = sum(counts.values()) / total
        table.add_row(_plain(label), *(f"{count:,}" for count in counts.values()), f"{share:.1%}")
    if len(labels) > SHOWN:
        rest = [counts for _, counts in labels[SHOWN:]]
        sums = [sum(counts[name] for counts in rest) for name in report["sets"]]
        name = f"另有 {len(rest):,} 个标签" if language == "zh" else f"{len(rest):,} more labels"
        table.add_row(name, *(f"{count:,}" for count in sums), f"{sum(sums) / total:.1%}", style="dim")
    return table


def _features_table(report: Mapping[str, Any], language: Language) -> RenderableType:
    table = _table(("feature", "kind"), ("missing", "distinct"), language)
    table.add_column(_word("what it holds", language))
    for row in report["features"]:
        kind, missing, distinct = _word(row["kind"], language), f"{row['missing']:,}", f"{row['distinct']:,}"
        table.add_row(_plain(row["name"]), kind, missing, distinct, said_in(language, _held(row)))
    return table


def _held(row: Mapping[str, Any]) -> str:
    if row["kind"] != "number":
        return ", ".join(f"{_shortened(_plain(cell))} ({rows:,})" for cell, rows in row["commonest"].items())
    low, high, middle = (f"{row[name]:g}" for name in ("minimum", "maximum", "median"))
    return Remark(f"{low} to {high}, median {middle}", f"{low} 至 {high}，中位数 {middle}")


def _shortened(cell: str) -> str:
    return cell if len(cell) <= LONGEST_CELL else f"{cell[: LONGEST_CELL - 1]}…"


def _lengths_table(report: Mapping[str, Any], language: Language) -> RenderableType:
    names = ("mean", *QUANTILES)
    table = _table(("length in",), names, language)
    for unit in ("characters", "tokens"):
        if figures := report["length"].get(unit):
            table.add_row(_word(unit, language), *(f"{figures[name]:,.0f}" for name in names))
    return table


def _warnings(report: Mapping[str, Any]) -> list[str]:
    found, length, rare = list(report["notes"]), report["length"], report["rare_labels"]
    if length.get("cut_rows"):
        longest, rows, share = length["max_tokens"], length["cut_rows"], length["cut_share"]
        found.append(
            Remark(
                f"Longer than {longest} tokens, and cut: {rows:,} of the texts, {share:.1%} of all tokens. "
                "Raise model.max_tokens to read more.",
                f"超过 {longest} 个词元而被截断：{rows:,} 条文本，占全部词元的 {share:.1%}。"
                "调高 model.max_tokens 可读得更多。",
            )
        )
    found += [_rare(row) for row in rare[:SHOWN]]
    if (more := len(rare) - SHOWN) > 0:
        found.append(
            Remark(
                f"{more:,} more labels are rare; all are in the JSON report.",
                f"另有 {more:,} 个稀少的标签；全部列在 JSON 报告中。",
            )
        )
    return found + [_conflict(conflict) for conflict in report["conflicts"]["listed"][:3]]


def _rare(row: Mapping[str, Any]) -> Remark:
    label, rows, advice = row["label"], row["rows"], row["advice"]
    return Remark(
        f"Label {label!r} has {rows} {'row' if rows == 1 else 'rows'}, {advice}.",
        f"标签 {label!r} 有 {rows} 行，{said_in('zh', advice)}。",
    )


def _conflict(conflict: Mapping[str, Any]) -> Remark:
    labels = ", ".join(f"{_plain(label)!r} ({rows})" for label, rows in conflict["labels"].items())
    text = _plain(conflict["text"])
    return Remark(f"Several labels: {text!r}: {labels}.", f"标签不一：{text!r}：{labels}。")


def _plain(text: str) -> str:
    """Show line breaks and other unprintable characters as blanks, and bound the length."""
    return "".join(character if character.isprintable() else " " for character in text)[:60]
