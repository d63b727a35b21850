"""Turns are read off real chat templates, and never run again."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from feilun.models.bases.chat_template import SMOLLM2, Message, said_with, turns_of_folder
from feilun.models.bases.packaged import PACKAGED
from tiny import tiny_tokenizer

SMOLLM2_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""As the GGUF file of SmolLM2-135M-Instruct has it."""

LLAMA2_LIKE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '<s>[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'system' %}{{ '<<SYS>>' + message['content'] + '<</SYS>>' }}"
    "{% else %}{{ ' ' + message['content'] + '</s>' }}{% endif %}{% endfor %}"
)
NUMBERED = "{% for message in messages %}{{ loop.index0 ~ message['content'] ~ '.' }}{% endfor %}"
REFUSING = "{{ raise_exception('no') }}"

TALK: list[Message] = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "hello"},
    {"role": "assistant", "content": "hi"},
    {"role": "user", "content": "什么？"},
]


def folder_with(folder: Path, template: str | None) -> Path:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer(), chat_template=template)
    tokenizer.save_pretrained(folder)
    return folder


def test_the_packaged_chat_model_has_the_turns_of_its_template(tmp_path: Path) -> None:
    assert turns_of_folder(folder_with(tmp_path, SMOLLM2_TEMPLATE)) == SMOLLM2 == PACKAGED["smollm2-135m"].turns
    assert PACKAGED["gemma3-270m"].turns is None


@pytest.mark.parametrize("template", [SMOLLM2_TEMPLATE, LLAMA2_LIKE])
@pytest.mark.parametrize("talk", [TALK, TALK[1:], TALK[1:2], TALK[:2]])
def test_what_the_turns_say_is_what_the_template_says(template: str, talk: list[Message], tmp_path: Path) -> None:
    turns = turns_of_folder(folder_with(tmp_path, template))
    assert turns is not None
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    wanted = tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    assert said_with(turns, talk) == wanted


@pytest.mark.parametrize("template", [NUMBERED, REFUSING, None])
def test_templates_that_are_not_so_simple_give_no_turns(template: str | None, tmp_path: Path) -> None:
    assert turns_of_folder(folder_with(tmp_path, template)) is None
