"""What stands around the turns of a conversation, read off a base's chat template.

A chat template is a program (Jinja). It is run once, here, in transformers' sandbox; what it puts around each turn is
kept as text, so that nothing of a bundle executes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from feilun.core.decisions.generate import Turns

Message = dict[str, str]
Render = Callable[[Sequence[Message], bool], str]
"""From messages, and whether an answer is to follow, to the text that the model is to read."""

SYSTEM, USER, ANSWER, NEXT = "⟦the system⟧", "⟦the user⟧", "⟦the answer⟧", "⟦the user again⟧"
"""Stand for what is said."""

TEMPLATES = ("chat_template.jinja", "tokenizer_config.json")

SMOLLM2 = Turns(
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n",
    ("<|im_start|>system\n", "<|im_end|>\n"),
    ("<|im_start|>user\n", "<|im_end|>\n"),
    ("<|im_start|>assistant\n", "<|im_end|>\n"),
    "<|im_start|>assistant\n",
)
"""Of SmolLM2-135M-Instruct, as the template in its GGUF file has it."""


def turns_of_folder(folder: Path) -> Turns | None:
    """Return the turns of a transformers folder; None where it has no chat template, or one that is not so simple."""
    named = (folder / name for name in TEMPLATES)
    if not any(file.is_file() and "chat_template" in file.name + file.read_text("utf-8") for file in named):
        return None
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not tokenizer.chat_template:
        return None

    def render(messages: Sequence[Message], answer: bool) -> str:
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=answer))

    return turns_of(render)


def turns_of(render: Render) -> Turns | None:
    """Read the turns off what a template makes of made conversations.

    Args:
        render: Runs the template.

    Returns:
        The turns; None where what stands around a turn depends on more than its role and whether it is the first.
    """
    system, user, answer, again = (
        {"role": role, "content": said}
        for role, said in (("system", SYSTEM), ("user", USER), ("assistant", ANSWER), ("user", NEXT))
    )
    try:
        opening, closing = render([user], False).split(USER)
        _, said = render([user, answer], False).split(ANSWER)
        first, between = render([user, answer, again], False).split(NEXT)[0].split(ANSWER)
        before_system, rest = render([system, user], False).split(SYSTEM)
        wanted = render([user], True).split(USER)[1].removeprefix(closing)
    except Exception:  # a template refuses what it does not know by any error
        return None
    before_user = between.removeprefix(said)
    turns = Turns(
        opening.removesuffix(before_user),
        (before_system, rest.split(USER)[0].removesuffix(before_user)),
        (before_user, closing),
        (first.split(USER)[1].removeprefix(closing), said),
        wanted,
    )
    whole = [system, user, answer, again]
    return turns if said_with(turns, whole) == render(whole, True) else None


def said_with(turns: Turns, messages: Sequence[Message]) -> str:
    """Return a conversation that an answer is wanted to as one text."""
    around = {"system": turns.system, "user": turns.user, "assistant": turns.assistant}
    begun = "" if messages[0]["role"] == "system" else turns.unsaid
    said = "".join(around[m["role"]][0] + m["content"] + around[m["role"]][1] for m in messages)
    return begun + said + turns.answer
