"""Text that tries to give orders is data: it is marked, never obeyed, and never quoted to a customer."""

from __future__ import annotations

import re
from collections.abc import Collection

from feilun.knowledge.terms import simplified

ORDERS = re.compile(
    r"(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|above|prior|earlier|all|your|system)\b.{0,30}"
    r"\b(?:instruction|prompt|rule|message|direction|polic)"
    r"|\b(?:system prompt|developer mode|jailbreak|you are now|act as (?:an?|the)|do anything now)\b"
    r"|\bpretend (?:to be|you are)\b"
    r"|\b(?:reveal|print|show|repeat|output)\b.{0,30}"
    r"\b(?:prompt|(?:your|system|initial|original|internal|above|previous|these)\b.{0,15}\binstructions|hidden|secret"
    r"|api key|password|other customers?)\b"
    r"|<\|?(?:im_start|im_end|system|endoftext)\|?>|\[/?INST\]|^\s*(?:system|assistant)\s*[:：]"
    r"|(?:忽略|无视|忘记|忘掉|不要理会|绕过).{0,12}(?:之前|以上|上面|前面|先前|所有|全部|系统).{0,10}(?:指令|指示|提示|规则|要求|设定|内容|限制)"
    r"|系统提示词|开发者模式|越狱模式|你现在是|从现在起你|假装你是|扮演一个"
    r"|(?:输出|显示|告诉我|泄露|打印).{0,10}(?:提示词|系统指令|内部规则|密钥|其他(?:客户|用户|租户))",
    re.IGNORECASE | re.MULTILINE,
)

LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)(?P<host>[^\s/?#:，。；、）)\]]+)", re.IGNORECASE)

ACTIVE = re.compile(r"\b(?:javascript|vbscript|data|file|mailto|tel)\s*:\S|\]\(|<\s*/?\s*[a-z!][^>]*>", re.IGNORECASE)
"""What a reader's program might follow or run: other schemes, Markdown links, tags."""


def gives_orders(text: str) -> bool:
    """Say whether a text reads like instructions to a machine."""
    return bool(ORDERS.search(simplified(text)))


def quotable(sentence: str, hosts: Collection[str] = ()) -> bool:
    """Say whether a sentence of a document may be read out: no orders to a machine, no link but to allowed hosts.

    Args:
        sentence: The sentence.
        hosts: Names that links may lead to.
    """
    linked = {match["host"].lower() for match in LINK.finditer(sentence)}
    return not gives_orders(sentence) and not ACTIVE.search(sentence) and linked <= {*hosts}
