"""Which model of sentiment fits some texts: the one that is named, or a registered one that tells good from bad."""

from __future__ import annotations

from collections.abc import Sequence

from feilun.bundles import registry
from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.content import read_table
from feilun.core.errors import BundleError, UsageError
from feilun.core.remark import Remark
from feilun.text.language import languages_of

POLES = (
    frozenset({"negative", "positive"}),
    frozenset({"negative", "neutral", "positive"}),
    frozenset({"负面", "正面"}),
    frozenset({"负面", "中性", "正面"}),
)
"""Names of labels by which a model is known as one of sentiment."""


def sentiment_model(named: str | None, texts: Sequence[str]) -> Bundle | None:
    """Return the model of sentiment.

    Args:
        named: A bundle's folder, name or name@version; None looks among the registered ones.
        texts: What it is to read: a registered one must have learnt the language of most of them.

    Returns:
        The model; None where none fits.

    Raises:
        BundleError: If the named one is not there.
        UsageError: If the named one does not classify single texts.
    """
    if named is not None:
        bundle = open_bundle(named)
        if bundle.manifest.get("task", "classify") != "classify" or bundle.pair is not None:
            raise UsageError(
                Remark(
                    f"The model {bundle.name} does not give one label to one text.",
                    f"模型 {bundle.name} 不是给一条文本一个标签的。",
                ),
                Remark("Name one that does.", "请换一个这样的模型。"),
            )
        return bundle
    language = languages_of(texts)[:1]
    for name in registry.names():
        try:
            bundle = open_bundle(name)
            learnt = read_table(bundle.path, "profile.json").get("languages", ())
        except BundleError:
            continue  # damaged or too new: whoever uses it is told
        if bundle.pair is None and _tells_good_from_bad(bundle) and set(language) <= set(learnt):
            return bundle
    return None


def _tells_good_from_bad(bundle: Bundle) -> bool:
    labels = {name.lower() for name in bundle.labels.names}
    return bundle.manifest.get("task", "classify") == "classify" and labels in POLES


def sentiments(bundle: Bundle, texts: Sequence[str]) -> list[str]:
    """Return what a model says of each text."""
    return [one.label or "" for one in bundle.predict(list(texts))]
