"""How fast a base writes: ONNX Runtime with our graph beside CTranslate2, where that is installed, on one thread.

    python benchmarks/generation.py --base smollm2-135m --tokens 64 --times 3

Both read the same prompt and write as many tokens, greedily, whatever ends they would choose. The reading of the prompt
is timed apart and taken off. `pip install ctranslate2` in an environment of its own brings the peer. Then conversations
are answered side by side by our int8, and a further turn of one is read with and without its earlier ones.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from feilun.bundles.continuous_batch import ContinuousBatch
from feilun.bundles.generator import Generator
from feilun.compression.generation import BLOCKS, export_generator
from feilun.core.labels import LabelSet
from feilun.models.adaptations.full import Full
from feilun.models.bases.catalogue import open_base
from feilun.models.heads.generate import GenerateSettings
from feilun.models.text_model import TextModel
from feilun.text.clean import Cleaning

PROMPT = (
    "Write a short story about a bank that lost the key to its own vault, and of the people who waited in front of its "
    "doors for a whole day."
)
CONTEXT = 512

Write = Callable[[int], object]
"""Writes so many tokens."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="smollm2-135m")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    base = open_base(asked.base)
    head = GenerateSettings(max_new_tokens=asked.tokens).make(base.hidden, LabelSet(()))
    model = TextModel(base, head, Full(), LabelSet(()), CONTEXT).eval()
    (prompt,) = model.prompts.prompts([PROMPT])
    print(f"{asked.base}: a prompt of {len(prompt)} tokens, {asked.tokens} written, {asked.times} times")
    with tempfile.TemporaryDirectory() as place:
        for kind in ("float32", "int8"):
            report(f"ONNX Runtime {kind}", ours(model, Path(place), kind, prompt), asked.tokens, asked.times)
        for kind in ("float32", "int8"):
            peer = ctranslate2(model, Path(place), kind, prompt)
            if peer is not None:
                report(f"CTranslate2 {kind}", peer, asked.tokens, asked.times)
        generator = opened(model, Path(place), "int8")
        for count in (1, 4, 8):
            report_together(generator, prompt, count, asked.tokens, asked.times)
        report_turn(generator, prompt, asked.tokens)


def report(name: str, write: Write, tokens: int, times: int) -> None:
    """Print the milliseconds of reading and the tokens a second of writing, lowest and highest."""
    write(1)
    read, speed = [], []
    for _ in range(times):
        first, whole = timed(write, 1), timed(write, tokens)
        read.append(1000 * first)
        speed.append((tokens - 1) / (whole - first))
    print(
        f"{name:22} read {min(read):6.0f} to {max(read):6.0f} ms, "
        f"wrote {min(speed):6.1f} to {max(speed):6.1f} tokens/s",
        flush=True,
    )


def timed(write: Write, tokens: int) -> float:
    """Return the seconds that writing so many tokens takes."""
    began = time.perf_counter()
    write(tokens)
    return time.perf_counter() - began


def report_together(generator: Generator, prompt: list[int], count: int, tokens: int, times: int) -> None:
    """Print the tokens a second of conversations that are answered side by side, lowest and highest."""
    speed = []
    for number in range(times):
        together = ContinuousBatch(generator)
        for row in range(count):
            together.join([*prompt, *prompt[row:]], generator.decision, f"{number} {row}")
        began = time.perf_counter()
        for _ in range(tokens - 1):
            together.step()
        speed.append((tokens - 1) * count / (time.perf_counter() - began))
    print(f"{count} side by side        wrote {min(speed):6.1f} to {max(speed):6.1f} tokens/s in all", flush=True)


def report_turn(generator: Generator, prompt: list[int], tokens: int) -> None:
    """Print how long a further turn is read, by who owns the conversation and by another client."""
    together = ContinuousBatch(generator)
    answer = together.join(prompt, generator.decision, "owner")
    for _ in range(tokens):
        together.step()
    turn = [*prompt, *answer.ids, *prompt[:20]]
    for name in ("owner", "another"):
        engine = generator.engine(turn, name)
        took = timed(lambda _, engine=engine: engine.start([turn]), 1)
        print(f"a turn of {len(turn)} tokens is read for its {name} in {1000 * took:.0f} ms", flush=True)


def opened(model: TextModel, folder: Path, kind: str) -> Generator:
    """Export and open a model that never ends by itself."""
    file = folder / f"{kind}.onnx"
    export_generator(model, file, Cleaning(), block=BLOCKS[0] if kind == "int8" else None)
    endless = replace(model.prompts.decision, ends=())
    return Generator(file, model.encoder, cleaning=Cleaning(), decision=endless, threads=1)


def ours(model: TextModel, folder: Path, kind: str, prompt: list[int]) -> Write:
    """Return what writes with our own engine."""
    generator = opened(model, folder, kind)
    return lambda tokens: list(generator.writing([prompt], replace(generator.decision, max_new_tokens=tokens)))


def ctranslate2(model: TextModel, folder: Path, kind: str, prompt: list[int]) -> Write | None:
    """Convert the base for CTranslate2; None where that is not installed."""
    try:
        from ctranslate2 import Generator as Peer
        from ctranslate2.converters import TransformersConverter
    except ImportError:
        return None
    from transformers import AutoModelForCausalLM

    source, target = folder / "transformers", folder / f"ctranslate2-{kind}"
    whole = AutoModelForCausalLM.from_config(model.body.config)
    whole.model.load_state_dict(model.body.state_dict())
    whole.tie_weights()
    whole.save_pretrained(source)
    tokenizer = model.encoder.tokenizer
    tokenizer.save(str(source / "tokenizer.json"))
    special = {"bos_token": tokenizer.id_to_token(prompt[0]), "eos_token": tokenizer.id_to_token(prompt[0])}
    special |= {"unk_token": special["bos_token"], "tokenizer_class": "PreTrainedTokenizerFast"}
    (source / "tokenizer_config.json").write_text(json.dumps(special), encoding="utf-8")
    TransformersConverter(str(source)).convert(str(target), quantization=kind, force=True)
    peer = Peer(str(target), device="cpu", intra_threads=1)
    words = [tokenizer.id_to_token(number) for number in prompt]
    return lambda tokens: peer.generate_batch(
        [words], max_length=tokens, min_length=tokens, sampling_topk=1, include_prompt_in_result=False
    )


if __name__ == "__main__":
    main()
