"""The model card: what a bundle is for, how good it is and where it ends (Mitchell et al. 2019), as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from feilun.core.report import Report
from feilun.evaluation.presentation.remarks import BASELINES_ZH, notes
from feilun.evaluation.presentation.terminal import METRICS, interval, metric_rows, slice_metrics
from feilun.evaluation.presentation.words import Language, decision_sentences
from feilun.evaluation.slices import natural_order
from feilun.text.printable import printable

MOST_FACTS = 60
"""Most lines of the data report that the card repeats."""

TOLD_ELSEWHERE = frozenset({"fingerprint", "labels", "notes", "sources"})
"""Parts of the data report that stand elsewhere in the card, or name files of the machine that trained."""

PURPOSES: Mapping[str, Mapping[Language, str]] = {
    "classify": {"en": "Puts one text into one of {n} labels", "zh": "把一段文本归入一个标签"},
    "multilabel": {"en": "Gives one text those of {n} labels that apply", "zh": "给一段文本标出所有适用的标签"},
    "generate": {"en": "Writes an answer to a text", "zh": "根据一段文本写出回答"},
    "tag": {"en": "Finds spans of {n} kinds in a text", "zh": "在一段文本中找出实体"},
    "multitask": {
        "en": "Answers several questions about one text at once; their {n} labels",
        "zh": "一次回答关于一段文本的多个问题；标签",
    },
    "similarity": {
        "en": "Gives each text a vector, and says by the cosine of two whether they say the same; its {n} labels",
        "zh": "为每段文本生成向量，并按两个向量的余弦判断是否同义；标签",
    },
    "rank": {
        "en": "Says how relevant a candidate is to a query, to sort by",
        "zh": "判断候选与查询的相关程度，用于排序",
    },
    "regress": {"en": "Gives one text {n} number(s), each with an interval", "zh": "为一段文本预测数值，并给出区间"},
}


def model_card(manifest: Mapping[str, Any], report: Report, data_report: Mapping[str, Any]) -> str:
    """Write the card of a bundle.

    Args:
        manifest: The bundle's manifest: `name`, `recipe`, `max_tokens`, `fingerprints`, `libraries`, and `base`, a
            table with `name` and `licence`; what is absent is left out.
        report: The report on the test rows.
        data_report: The data report.

    Returns:
        Markdown: English, opened by a Chinese summary. Names and values that came from data stand in it as plain text.
    """
    name = _plain(manifest.get("name") or "model")
    sections: list[tuple[str, Iterable[str]]] = [
        ("中文摘要", _chinese(manifest, report)),
        ("Intended use", _use(report, data_report)),
        ("Data", _data(manifest, data_report)),
        ("Figures", _figures(report, "en")),
        ("By label", _labels(report)),
        ("By group of texts", _slices(report)),
        ("Calibration", _calibration(report)),
        ("Limits", _limits(manifest, report)),
        ("Base model and licence", _licence(manifest)),
        ("How to run it", _run(manifest)),
    ]
    lines = [f"# {name}", ""]
    for title, body in sections:
        text = list(body)
        if text:
            lines += [f"## {title}", "", *text, ""]
    return "\n".join(lines)


def _chinese(manifest: Mapping[str, Any], report: Report) -> Iterator[str]:
    labels = "、".join(_plain(label) for label in report.labels[:10])
    many = f"{len(report.labels)} {'个数' if report.task == 'regress' else '类'}"
    rest = f" 等 {many}" if len(report.labels) > 10 else f"（共 {many}）"
    purpose = PURPOSES[report.task]["zh"]
    yield f"用途：{purpose}：{labels}{rest}。" if report.labels else f"用途：{purpose}。"
    yield ""
    yield from (f"- {_plain(sentence)}" for sentence in decision_sentences(report, "zh"))
    yield ""
    yield from _figures(report, "zh")
    remarks = notes(report, "zh")
    if remarks:
        yield ""
        yield from (f"- {_plain(remark)}" for remark in remarks)
    yield ""
    base, licence = _base(manifest)
    licence = licence or "见基座模型自己的条款（`feilun bases`）"
    yield f"基座模型：{base}；许可：{licence}。"
    yield ""
    calibrated = "得分是校准过的概率，不是保证；" if report.calibration else ""
    yield f"{calibrated}换了与训练数据不同的文本，以上数字不再成立。"


def _use(report: Report, data_report: Mapping[str, Any]) -> Iterator[str]:
    labels = ", ".join(f"`{_code(label)}`" for label in report.labels[:20])
    rest = f" and {len(report.labels) - 20} more" if len(report.labels) > 20 else ""
    purpose = PURPOSES[report.task]["en"].format(n=len(report.labels))
    yield f"{purpose}: {labels}{rest}." if report.labels else f"{purpose}."
    languages = (data_report.get("language") or {}).get("languages")
    if languages:
        yield ""
        yield f"Trained on text in: {', '.join(_plain(language) for language in languages)}."
    if columns := data_report.get("features"):
        yield ""
        named = ", ".join(f"`{_code(column['name'])}`" for column in columns)
        yield f"Columns that it learned from: {named}."
    yield ""
    yield from (f"- {_plain(sentence)}" for sentence in decision_sentences(report, "en"))
    yield ""
    yield (
        "Meant for texts like those it was trained on, with a person reading what the model hands over and a sample of "
        "what it decides. Not meant for decisions about a person that no person looks at."
    )


def _data(manifest: Mapping[str, Any], data_report: Mapping[str, Any]) -> Iterator[str]:
    facts = list(_flat({key: value for key, value in data_report.items() if key not in TOLD_ELSEWHERE}))
    yield from (f"- {_plain(key)}: {_plain(value)}" for key, value in facts[:MOST_FACTS])
    if len(facts) > MOST_FACTS:
        yield f"- … and {len(facts) - MOST_FACTS} further figures in the data report"
    fingerprint = (manifest.get("fingerprints") or {}).get("data")
    if fingerprint:
        yield f"- fingerprint: `{_code(fingerprint)}`"
    yield from (f"- {_plain(note)}" for note in data_report.get("notes") or ())


def _figures(report: Report, language: Language) -> Iterator[str]:
    zh = language == "zh"
    names = [BASELINES_ZH.get(name, name) if zh else name for name in report.baselines]
    if zh:
        yield f"测试 {report.n} 条，括号内为 95% 区间："
    else:
        yield f"On {report.n} test rows, 95 % bootstrap intervals in brackets, baselines on the same rows:"
    yield ""
    yield _row(["指标", "本模型", *names] if zh else ["metric", "this model", *names])
    yield _rule(len(names) + 2)
    yield from (_row(row) for row in metric_rows(report, language))


def _labels(report: Report) -> Iterator[str]:
    if not any("f1" in row for row in report.per_label.values()):
        return
    yield _row(["label", "precision", "recall", "F1", "spans" if report.task == "tag" else "texts"])
    yield _rule(5)
    for name in report.labels:
        row = report.per_label.get(name)
        if row is not None:
            f1 = interval(row["f1"], row.get("f1_low"), row.get("f1_high"))
            yield _row([name, f"{row['precision']:.3f}", f"{row['recall']:.3f}", f1, f"{row['support']:.0f}"])


def _slices(report: Report) -> Iterator[str]:
    if not report.slices:
        return
    metrics = slice_metrics({value: row for values in report.slices.values() for value, row in values.items()})
    yield _row(["column", "value", *(METRICS[metric]["en"] for metric in metrics), "texts"])
    yield _rule(len(metrics) + 3)
    for column, values in report.slices.items():
        for value in natural_order(values):
            row = values[value]
            figures = [interval(row[m], row.get(f"{m}_low"), row.get(f"{m}_high")) for m in metrics]
            yield _row([column, value, *figures, f"{row['n']:.0f}"])


def _calibration(report: Report) -> Iterator[str]:
    if "expected_calibration_error" in report.metrics:
        yield (
            "Scores are softmax probabilities, their temperature fitted on validation rows. Expected calibration error "
            f"on the test rows: {report.value('expected_calibration_error'):.3f}."
        )
        yield ""
    if not report.calibration:
        return
    yield _row(["score", "accuracy", "texts"])
    yield _rule(3)
    for row in report.calibration:
        yield _row([f"{row['confidence']:.3f}", f"{row['accuracy']:.3f}", f"{row['count']:.0f}"])


def _limits(manifest: Mapping[str, Any], report: Report) -> Iterator[str]:
    yield from (f"- {_plain(remark)}" for remark in notes(report, "en"))
    yield "- The figures hold for texts like the test rows; traffic that drifts away from them is not covered."
    if report.task == "classify":
        yield "- A text that fits none of the labels still gets one; a low score is the only sign of it."
    if report.task == "generate":
        yield "- What it writes may be wrong, or not in the text at all: a person should read it before it goes out."
    if manifest.get("max_tokens") and report.task != "tag":
        yield f"- Only the first {manifest['max_tokens']} tokens of a text are read."
    yield "- Fairness between groups of people was looked at only where a slice above says so."


def _licence(manifest: Mapping[str, Any]) -> Iterator[str]:
    base, licence = _base(manifest)
    yield f"Base model: {base}. Licence of the base: {licence or 'see its own terms (`feilun bases` lists them)'}."
    yield ""
    yield "The licence of the training data is for its owner to say. Feilun itself is under Apache-2.0."


def _run(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "```"
    yield 'feilun predict PATH_OF_THIS_FOLDER "a text" --json'
    yield "feilun serve PATH_OF_THIS_FOLDER --port 8080"
    yield "```"
    libraries = manifest.get("libraries") or {}
    if libraries:
        yield ""
        yield "Made with " + ", ".join(f"{_plain(name)} {_plain(libraries[name])}" for name in sorted(libraries)) + "."


def _base(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Return the base model's name and licence, as far as the manifest tells."""
    told = manifest.get("base")
    model = (manifest.get("recipe") or {}).get("model")
    named = model.get("base") if isinstance(model, Mapping) else None
    if isinstance(told, Mapping):
        return _plain(told.get("name") or named or "unknown"), _plain(told.get("licence") or "")
    return _plain(told or named or "unknown"), ""


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted keys and values of nested tables; lists are told by their length."""
    for key, inner in value.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{name} · ")
        elif isinstance(inner, Sequence) and not isinstance(inner, str):
            if inner:
                few = len(inner) <= 5 and _scalars(inner)
                yield name, ", ".join(map(str, inner)) if few else f"{len(inner)} entries"
        elif inner is not None:
            yield name, f"{inner:.4g}" if isinstance(inner, float) else str(inner)


def _scalars(values: Sequence[Any]) -> bool:
    return not any(isinstance(value, (Mapping, list, tuple)) for value in values)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _rule(columns: int) -> str:
    return "| --- |" + " ---: |" * (columns - 1)


def _plain(text: Any) -> str:
    """Escape what Markdown or HTML would take for markup, and keep to one line."""
    return re.sub(r"([\\`*_\[\]<>|#~$&])", r"\\\1", printable(" ".join(str(text).split())))


def _code(text: Any) -> str:
    """Show text between backquotes; a backquote in it would end the code."""
    return printable(" ".join(str(text).split())).replace("`", "'")
