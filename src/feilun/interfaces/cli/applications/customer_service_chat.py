"""A conversation with an application of customer service in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feilun.core.remark import Remark
from feilun.interfaces.cli import output

if TYPE_CHECKING:
    from feilun.apps.customer_service.conversations.exchange import Answered
    from feilun.apps.customer_service.desk import Desk

ASK = Remark("Type a question; an empty line ends.", "请输入问题，空行结束。")
HANDED_OVER = Remark("A person answers from here on.", "已转人工，机器人不再回答。")


def chat_with(desk: Desk) -> None:
    """Answer lines of the standard input until it ends, or a line is empty."""
    output.tell(ASK)
    conversation = None
    while True:
        try:
            text = input("> ")
        except EOFError:
            return
        if not text.strip():
            return
        conversation = show_reply(desk.say(text, conversation, "terminal"))


def show_reply(answered: Answered) -> str:
    """Print a reply with its citations, and return its conversation."""
    reply = answered.reply
    print(f"  [{reply.action} {reply.confidence:.2f}] {reply.text or output.said(HANDED_OVER)}")
    for number, choice in enumerate(reply.options, 1):
        print(f"    {number}. {choice}")
    for place in dict.fromkeys(f"{citation.source}: {citation.place}" for citation in reply.citations):
        print(f"    — {place}")
    return answered.conversation
