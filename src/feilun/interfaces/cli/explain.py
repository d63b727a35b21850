"""`feilun explain`: why a text got its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from feilun.core.errors import UsageError
from feilun.core.remark import Remark, joined
from feilun.interfaces.cli import output
from feilun.interfaces.cli.help import argument, option
from feilun.interfaces.cli.options import AsJson, BundleName, Threads
from feilun.text.printable import printable

if TYPE_CHECKING:
    from feilun.knowledge.explain import Explanation, Part

EXAMPLES = (
    'feilun explain out/model "送餐很快，可是饭是凉的"',
    'feilun explain out/model "Slow but good food" --label positive --json',
)

WIDTH = 20
SHOWN = 60
"""Characters of a part that are shown; the JSON holds all."""


def explain(
    bundle: BundleName,
    text: Annotated[str, argument("The text.", "文本。", show_default=False)],
    label: Annotated[
        str | None, option("The label to explain; else the predicted one.", "要解释的标签；默认为预测出的标签。")
    ] = None,
    most: Annotated[int, option("Most words shown.", "最多显示多少个词。", min=1)] = 10,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Show what the score of a label loses without each word, and which words the decision hangs on.

    The model is asked again without each word, so that this holds for every kind of bundle, as it is served.

    显示去掉每个词后标签的分数降低多少，以及哪些词决定了判断。

    做法是逐个去掉词再问一遍模型，因此适用于任何一种模型包，解释的就是它上线时的判断。
    """
    from feilun.bundles.bundle import open_bundle
    from feilun.bundles.runtime import Runtime
    from feilun.knowledge.explain import explain as explained
    from feilun.knowledge.explain import read_part

    opened = open_bundle(bundle, threads=threads)
    if opened.pair is not None or opened.columns.features:
        raise UsageError(
            Remark(
                f"The model {opened.name} reads more than one text; words can be weighed where it reads one.",
                f"模型 {opened.name} 读的不只是一条文本；只有读一条文本的模型才能逐词衡量。",
            ),
            Remark("Explain a bundle that reads texts alone.", "请解释一个只读文本的模型包。"),
        )
    read = read_part(text, opened.predictor.encode) if isinstance(opened.predictor, Runtime) else text
    found = explained(opened.predictor, read, label)
    if as_json:
        output.print_json({**found.to_json(), "characters_read": len(read)})
    else:
        _show(found, most)
        if any(map(str.isalnum, text[len(read) :])):
            output.tell(
                Remark(
                    f"The model reads the first {len(read):,} of {len(text):,} characters; the rest is cut.",
                    f"模型只读前 {len(read):,} 个字符（共 {len(text):,} 个），其余被截断。",
                )
            )


def _show(found: Explanation, most: int) -> None:
    print(f"{found.label}  {found.score:.3f}")
    strongest = sorted(found.parts, key=lambda part: -abs(part.effect))[:most]
    largest = max((abs(part.effect) for part in strongest), default=0.0) or 1.0
    for part in strongest:
        bar = ("+" if part.effect > 0 else "-") * max(1, round(WIDTH * abs(part.effect) / largest))
        print(f"{part.effect:+7.2f}  {bar:<{WIDTH}}  {_words(part)}")
    if found.decisive:
        words = _listed(found.decisive)
        output.tell(
            Remark(
                f"Without {words} it would be: {found.instead or 'no label'}.",
                f"去掉 {words.chinese} 就会变成：{found.instead or '没有标签'}。",
            )
        )
    else:
        output.tell(
            Remark(
                "No words that speak for it change the label when they are taken out.",
                "支持这个标签的词，去掉之后标签也不变。",
            )
        )


def _listed(parts: tuple[Part, ...]) -> Remark:
    ordered = sorted(parts, key=lambda part: part.start)
    return joined([f"“{_words(part)}”" for part in ordered], ", ", "、")


def _words(part: Part) -> str:
    """Return the words of a part, the end of many left out: of a long text a part holds several."""
    words = printable(part.text)
    return words if len(words) <= SHOWN else f"{words[: SHOWN - 1]}…"
