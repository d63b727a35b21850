"""A suite: conversations with the action, the answer's text or the citation that is expected of each reply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from yaml import BaseLoader, MappingNode, Node, ScalarNode, SequenceNode, YAMLError, compose

from feilun.apps.customer_service.desk import Desk
from feilun.apps.customer_service.reply import Action, Reply
from feilun.core.errors import DataError, nearest
from feilun.core.remark import Remark, joined, said_in
from feilun.data.paths import shown

EXPECTED = ("action", "intent", "contains", "cites")
FORM = "conversations: [{name: …, turns: [{say: …, action: answer, contains: …, cites: FAQ}]}]"


@dataclass(frozen=True)
class Conversation:
    """A conversation with what is expected of each reply.

    Args:
        line: Where it begins in its file.
        name: What it shows; empty where nobody named it.
        turns: What is said (`say`) and expected (`EXPECTED`), in order.
    """

    line: int
    name: str
    turns: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Suite:
    """Conversations to which an application is held.

    Args:
        path: Its file.
        conversations: At least one.
        application: The application file that it names, where it names one.
    """

    path: Path
    conversations: tuple[Conversation, ...]
    application: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """How an application did.

    Args:
        turns: Turns that were said.
        failures: By the line of each conversation that went otherwise, a sentence for each turn that did.
    """

    turns: int
    failures: Mapping[int, tuple[str, ...]]


def read_suite(path: Path) -> Suite:
    """Read a suite, YAML; every value is taken as the text that stands there.

    Raises:
        DataError: If there is no such file, or it is not of the form `FORM`; the line is named.
    """
    if not path.is_file():
        raise DataError(
            Remark(f"There is no suite {shown(path)}.", f"没有测试集 {shown(path)}。"),
            Remark(f"It is YAML of this form: {FORM}", f"它是这种形式的 YAML：{FORM}"),
        )
    try:
        root = compose(path.read_text(encoding="utf-8-sig"), Loader=BaseLoader)
    except (YAMLError, RecursionError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise DataError(
            Remark(f"{shown(path)} is no YAML ({said}).", f"{shown(path)} 不是 YAML（{said}）。"),
            Remark("Texts with signs are put into quotes.", "带符号的文本要加引号。"),
        ) from error
    reader = _Reader(path)
    fields = reader.fields(root, ("conversations",), ("application",))
    conversations = tuple(reader.conversation(node) for node in reader.items(fields["conversations"]))
    named = reader.text(fields["application"]) if "application" in fields else None
    return Suite(path, conversations, None if named is None else path.absolute().parent / named)


def run_suite(desk: Desk, suite: Suite, only: Collection[int] | None = None) -> Outcome:
    """Hold conversations and compare each reply with what is expected.

    Args:
        desk: The application; its database keeps what is said.
        suite: The conversations.
        only: Lines of those that are held; None holds all.
    """
    turns = 0
    failures: dict[int, tuple[str, ...]] = {}
    for conversation in suite.conversations:
        if only is not None and conversation.line not in only:
            continue
        identity: str | None = None
        wrong: list[str] = []
        for place, turn in enumerate(conversation.turns, 1):
            answered = desk.say(turn["say"], identity, "test")
            identity = answered.conversation
            differences = _differences(turn, answered.reply)
            if differences:
                wrong.append(_differs(conversation, place, turn["say"], joined(differences)))
        turns += len(conversation.turns)
        if wrong:
            failures[conversation.line] = tuple(wrong)
    return Outcome(turns, failures)


def _differs(conversation: Conversation, place: int, said: str, what: Remark) -> Remark:
    line, name = conversation.line, conversation.name
    return Remark(
        f"line {line}, {name or 'turn'} {place} ({said!r}): {what}",
        f"第 {line} 行，{name or '轮次'} {place}（{said!r}）：{what.chinese}",
    )


def _differences(turn: Mapping[str, str], reply: Reply) -> list[str]:
    found: list[str] = []
    for key, had in (("action", reply.action), ("intent", reply.intent or "")):
        if key in turn and turn[key] != had:
            found.append(Remark(f"{key} is {had!r}, expected {turn[key]!r}", f"{key} 是 {had!r}，期望 {turn[key]!r}"))
    if "contains" in turn and turn["contains"] not in reply.text:
        lacks, text = turn["contains"], reply.text[:80]
        found.append(Remark(f"the text lacks {lacks!r}: {text!r}", f"回答里没有 {lacks!r}：{text!r}"))
    if "cites" in turn and turn["cites"] not in {citation.source for citation in reply.citations}:
        found.append(Remark(f"{turn['cites']!r} is not cited", f"没有引用 {turn['cites']!r}"))
    return found


@dataclass(frozen=True)
class _Reader:
    """Reads the nodes of a suite's file, and names the line of what is not as it must be."""

    path: Path

    def conversation(self, node: Node) -> Conversation:
        fields = self.fields(node, ("turns",), ("name",))
        turns = tuple(self.turn(one) for one in self.items(fields["turns"]))
        return Conversation(node.start_mark.line + 1, self.text(fields["name"]) if "name" in fields else "", turns)

    def turn(self, node: Node) -> dict[str, str]:
        turn = {key: self.text(value) for key, value in self.fields(node, ("say",), EXPECTED).items()}
        action = turn.get("action", "answer")
        if action not in get_args(Action):
            raise self.fault(
                node,
                Remark(f"expects the action {action!r}", f"期望的动作 {action!r} 不存在"),
                nearest(action, get_args(Action)),
            )
        return turn

    def fields(self, node: Node | None, needed: tuple[str, ...], further: tuple[str, ...]) -> dict[str, Node]:
        if not isinstance(node, MappingNode):
            raise self.fault(node, Remark("does not hold names with values", "不是键值对"))
        pairs = [(self.text(key), value) for key, value in node.value]
        found = dict(pairs)
        unknown = [name for name in found if name not in (*needed, *further)]
        if unknown:
            raise self.fault(
                node,
                Remark(f"has the name {unknown[0]!r}", f"有名称 {unknown[0]!r}"),
                nearest(unknown[0], (*needed, *further)),
            )
        missing = [name for name in needed if name not in found]
        if missing or len(found) < len(pairs):
            twice = Remark("says something twice", "有内容写了两遍")
            raise self.fault(node, Remark(f"lacks {missing[0]!r}", f"缺少 {missing[0]!r}") if missing else twice)
        return found

    def items(self, node: Node) -> list[Node]:
        if not isinstance(node, SequenceNode) or not node.value:
            raise self.fault(node, Remark("is no list, or an empty one", "不是列表，或是空列表"))
        return list(node.value)

    def text(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise self.fault(
                node, Remark("holds a list or names where a text must stand", "的内容应为文本，却是列表或键值对")
            )
        return str(node.value)

    def fault(self, node: Node | None, what: str, hint: str = "") -> DataError:
        line = 1 if node is None else node.start_mark.line + 1
        place = shown(self.path)
        problem = Remark(f"{place}, line {line}, {what}.", f"{place} 第 {line} 行{said_in('zh', what)}。")
        return DataError(problem, hint or Remark(f"A suite is of this form: {FORM}", f"测试集的形式为：{FORM}"))
