"""The application file of customer service: the dataclasses are its tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from feilun.apps.customer_service.channels.settings import ChannelSettings
from feilun.apps.customer_service.channels.table import CHANNELS, MESSENGERS
from feilun.apps.customer_service.forms.settings import FormSettings, form_contradictions
from feilun.core.errors import nearest
from feilun.core.remark import Remark
from feilun.core.settings import REQUIRED, setting, table, tables


@dataclass(frozen=True)
class KnowledgeSettings:
    """The table `[knowledge]`: what there is to know."""

    faq: tuple[str, ...] = setting((), "files of questions and answers: csv, xlsx or jsonl")
    documents: tuple[str, ...] = setting((), "files, or folders of them: md, html, txt, docx, pdf")
    conversations: tuple[str, ...] = setting((), "past conversations, jsonl, whose answers are learned from")
    public: tuple[str, ...] = setting((), "phone numbers and addresses that answers may name; others are replaced")


@dataclass(frozen=True)
class ModelSettings:
    """The table `[model]`: what questions are found by."""

    base: str = setting("multilingual-e5-small", "base model: packaged name, hub id or path")
    epochs: int = setting(6, "most times over the pairs of questions", minimum=1)
    layers: int = setting(0, "top layers of the base that learn; 0: all, which takes longest", minimum=0)
    seed: int = setting(13, "seed of its training", minimum=0)
    compared: int = setting(2000, "texts on which int8 is compared with float32", minimum=1)
    intents: bool = setting(True, "whether `train` also learns the FAQ's categories, to name what no entry answers")
    reranker: str = setting("", "`match` bundle that looks again at close candidates; `train` takes it up")
    generator: str = setting("", "`generate` bundle that says what documents say in its own words; none quotes them")


@dataclass(frozen=True)
class ProductSettings:
    """A table `[products.NAME]`: something that customers speak of, by its name."""

    aliases: tuple[str, ...] = setting((), "other names that customers give it")


@dataclass(frozen=True)
class TaggerSettings:
    """The table `[tagger]`: what finds order numbers, amounts, dates and products that no format and no list knows."""

    spans: str = setting("", "JSON Lines to train it from: text, entities ([{start, end, label}])")
    made: int = setting(
        0, "sayings to train it from that are made of the FAQ and the products; 0 makes none", minimum=0
    )
    epochs: int = setting(6, "most times over them", minimum=1)
    layers: int = setting(4, "top layers of the base that learn; 0: all, which takes longest", minimum=0)

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        both = Remark(
            "tagger.spans and tagger.made exclude each other: labelled sayings teach more than made ones.",
            "tagger.spans 与 tagger.made 只能写一个：标注的说法比自动写出的更好。",
        )
        return [both] if self.spans and self.made else []


@dataclass(frozen=True)
class LadderSettings:
    """The table `[ladder]`: how sure it has to be; the thresholds follow by calibration."""

    declined: float = setting(
        0.9, "share of the held-out questions without an answer that must be declined", above=0.5, below=1
    )
    precision: float = setting(
        0.8, "share of the answers to the other held-out questions that must be right", above=0.5, below=1
    )
    hosts: tuple[str, ...] = setting((), "names, such as www.bank.example, that links of quoted documents may lead to")
    sentences: int = setting(3, "most sentences of an answer from documents", minimum=1, maximum=10)
    options: int = setting(3, "most questions offered in a clarification", minimum=2, maximum=5)


@dataclass(frozen=True)
class HandoverSettings:
    """The table `[handover]`: when a person takes over."""

    after_failures: int = setting(2, "unanswered questions in a row after which it is offered to a person", minimum=1)
    anger: bool = setting(True, "whether an angry customer is handed over")


@dataclass(frozen=True)
class DialogueSettings:
    """The table `[dialogue]`: how turns hang together."""

    forget_after: float = setting(30, "minutes of silence after which the bot begins anew", above=0)
    burst: float = setting(0.0, "seconds for which a message waits for more of the same turn", minimum=0, maximum=5)


@dataclass(frozen=True)
class RulesSettings:
    """The table `[rules]`: what the business says beside the model."""

    tables: tuple[str, ...] = setting((), "decision tables, JSON files, applied in this order")


@dataclass(frozen=True)
class ReleaseSettings:
    """The table `[release]`: what a new version, or new knowledge, is held to before it answers."""

    suite: str = setting("", "conversations with what is expected, yaml; none may fail that passes with what stands")


@dataclass(frozen=True)
class CostSettings:
    """The table `[costs]`: what replies cost, in one currency; measures add it up."""

    person: float = setting(0.0, "what one message of a person costs", minimum=0)
    bot: float = setting(0.0, "what one reply of the bot costs", minimum=0)


@dataclass(frozen=True)
class CustomerServiceSettings:
    """An application file."""

    application: Literal["customer-service"] = setting(REQUIRED, "always customer-service")
    name: str = setting(REQUIRED, "name of the application; its knowledge and conversations are kept under it")
    knowledge: KnowledgeSettings = table(KnowledgeSettings, "what there is to know")
    model: ModelSettings = table(ModelSettings, "what questions are found by")
    products: dict[str, ProductSettings] = tables(ProductSettings, "what customers speak of by its name")
    tagger: TaggerSettings = table(TaggerSettings, "what finds values of slots beside formats and products")
    ladder: LadderSettings = table(LadderSettings, "how sure it has to be")
    dialogue: DialogueSettings = table(DialogueSettings, "how turns hang together")
    forms: dict[str, FormSettings] = tables(FormSettings, "what customers are asked for, one thing after another")
    channels: dict[str, ChannelSettings] = tables(ChannelSettings, "platforms whose messages are answered")
    rules: RulesSettings = table(RulesSettings, "what the business says beside the model")
    handover: HandoverSettings = table(HandoverSettings, "when a person takes over")
    release: ReleaseSettings = table(ReleaseSettings, "what a release is held to")
    costs: CostSettings = table(CostSettings, "what replies cost")

    @property
    def product_names(self) -> dict[str, tuple[str, ...]]:
        """Return the further names of each product."""
        return {name: product.aliases for name, product in self.products.items()}

    def contradictions(self) -> list[str]:
        """Say what cannot be."""
        found = _doubled(self.product_names)
        if not re.fullmatch(r"\w[\w.-]{0,79}", self.name):
            found.append(
                Remark(
                    f"name is letters, digits, '-', '_' and '.' only, not {self.name!r}.",
                    f"name 只能含字母、数字、“-”、“_”和“.”，不能是 {self.name!r}。",
                )
            )
        if not self.knowledge.faq and not self.knowledge.documents:
            found.append(
                Remark(
                    "knowledge.faq and knowledge.documents are both empty: there would be nothing to know.",
                    "knowledge.faq 和 knowledge.documents 都为空：没有任何知识。",
                )
            )
        if not all(one.strip() for one in self.knowledge.public):
            found.append(
                Remark(
                    "knowledge.public holds an empty text: it names phone numbers and addresses.",
                    "knowledge.public 里有空文本：它列的是电话号码和地址。",
                )
            )
        for name, own in self.channels.items():
            if own.token and name in CHANNELS and name not in MESSENGERS:
                found.append(
                    Remark(
                        f"channels.{name}.token is of no use: its messages name the address that answers go to.",
                        f"channels.{name}.token 没有用处：它的消息里写明了应答地址。",
                    )
                )
            if name not in CHANNELS:
                hint = nearest(name, CHANNELS)
                found.append(Remark(f"There is no channel {name!r}. {hint}", f"没有渠道 {name!r}。{hint.chinese}"))
        return found + form_contradictions(self.forms)


def _doubled(products: Mapping[str, Sequence[str]]) -> list[str]:
    """Say which names stand for two products."""
    meant: dict[str, set[str]] = {}
    for product, aliases in products.items():
        for name in (product, *aliases):
            meant.setdefault(name.lower(), set()).add(product)
    return [
        Remark(
            f"products: {name!r} stands for {' and '.join(sorted(both))}.",
            f"products：{name!r} 同时指 {'、'.join(sorted(both))}。",
        )
        for name, both in meant.items()
        if len(both) > 1
    ]
