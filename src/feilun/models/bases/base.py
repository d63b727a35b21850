"""A pretrained model without a task head, and the folder that it is kept in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tokenizers import Tokenizer

from feilun.core.decisions.generate import Turns
from feilun.core.errors import BaseModelError
from feilun.core.files import sha256, write_json

if TYPE_CHECKING:
    from torch import Tensor, nn

Kind = Literal["encoder", "causal", "blank"]
Pooling = Literal["mean", "first", "last"]

WEIGHTS, CONFIG, TOKENIZER, FACTS = "model.safetensors", "config.json", "tokenizer.json", "feilun_base.json"
OUTPUT = "output.safetensors"
"""Holds the matrix from states to logits, of language models that have one beside their word embeddings."""
PARTS = (WEIGHTS, CONFIG, TOKENIZER)
"""Files that every base has."""

SCHEMA = 1


@dataclass(frozen=True)
class BaseFacts:
    """What is to be known of a base beside its weights; kept in `feilun_base.json`.

    Args:
        name: Packaged name, hub id or folder.
        kind: encoder (reads both ways), causal (a language model), or blank (reads no text).
        pooling: How the states of the tokens become one state a text.
        prefix: What stands before every text.
        max_tokens: Longest sequence that the model reads, special tokens included.
        pad_id: Id of the padding token.
        languages: ISO 639-1 codes of its main languages; empty where unknown.
        licence: Name of the licence.
    """

    name: str
    kind: Kind
    pooling: Pooling
    prefix: str
    max_tokens: int
    pad_id: int
    languages: tuple[str, ...]
    licence: str


@dataclass(frozen=True)
class Base:
    """A pretrained model, opened: weights in float32, in evaluation mode, without a task head.

    Args:
        name: Packaged name, hub id or folder.
        kind: encoder (reads both ways), causal (a language model), or blank (reads no text).
        model: A transformers model whose output has `last_hidden_state` of shape (batch, tokens, hidden).
        tokenizer: Adds the special tokens that the model wants; a text never comes to no token at all.
        pooling: How the states of the tokens become one state a text.
        prefix: What stands before every text.
        max_tokens: Longest sequence that the model reads, special tokens included.
        pad_id: Id of the padding token.
        languages: ISO 639-1 codes of its main languages; empty where unknown.
        sha256: Hash of weights and tokenizer: two bases of one hash are the same.
        licence: Name of the licence.
        turns: What it was trained to see around the turns of a conversation; None where it knows none.
        output: From states to logits of the next token, shape (vocabulary, hidden), where that is not the table of
            word embeddings.
    """

    name: str
    kind: Kind
    model: nn.Module
    tokenizer: Tokenizer
    pooling: Pooling
    prefix: str
    max_tokens: int
    pad_id: int
    languages: tuple[str, ...]
    sha256: str
    licence: str = ""
    turns: Turns | None = None
    output: Tensor | None = None

    @property
    def hidden(self) -> int:
        """Return the width of the states."""
        return int(self.model.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @property
    def layers(self) -> nn.ModuleList:
        """Return the transformer layers, lowest first.

        Raises:
            BaseModelError: If the model shares one layer among all depths, or hides them.
        """
        from torch import nn

        depth = int(self.model.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
        for module in self.model.modules():
            if isinstance(module, nn.ModuleList) and len(module) == depth:
                return module
        raise BaseModelError(
            f"The base {self.name} has no list of {depth} layers.", 'Use model.adaptation.kind = "full" with it.'
        )

    @property
    def facts(self) -> BaseFacts:
        """Return what is kept beside weights and tokenizer."""
        return BaseFacts(
            self.name, self.kind, self.pooling, self.prefix, self.max_tokens, self.pad_id, self.languages, self.licence
        )


def save(folder: Path, weights: Mapping[str, Any], config: Any, tokenizer: Tokenizer, facts: BaseFacts) -> None:
    """Write a base into an empty folder, with the hash of each file.

    Args:
        folder: Where; the caller makes it appear atomically.
        weights: Float32 tensors by the names of the headless model.
        config: The transformers configuration.
        tokenizer: The tokenizer.
        facts: What else is to be known.
    """
    _save(folder, weights, config, tokenizer, facts, {})


def save_tuned(folder: Path, base: Base, origin: Mapping[str, Any]) -> None:
    """Write an opened base whose weights moved into an empty folder, so that it opens as the base it is now.

    Args:
        folder: Where; the caller makes it appear atomically.
        base: The base.
        origin: What it was made of, for people; values that JSON holds.
    """
    from safetensors.torch import save_file

    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in base.model.state_dict().items()}
    if base.output is not None:
        save_file({OUTPUT: base.output.contiguous()}, folder / OUTPUT)
    more = {"origin": dict(origin), "turns": None if base.turns is None else asdict(base.turns)}
    _save(folder, weights, base.model.config, base.tokenizer, base.facts, more)


def _save(
    folder: Path,
    weights: Mapping[str, Any],
    config: Any,
    tokenizer: Tokenizer,
    facts: BaseFacts,
    more: Mapping[str, Any],
) -> None:
    from safetensors.torch import save_file

    save_file(dict(weights), folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config.to_dict(), indent=2, default=str), encoding="utf-8")
    (folder / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    files = {name: _record(folder / name) for name in (*PARTS, OUTPUT) if (folder / name).is_file()}
    write_json(folder / FACTS, {"schema": SCHEMA, **asdict(facts), **more, "files": files})


def load(folder: Path, *, whole_hash: bool = False) -> Base:
    """Open a folder that `save` wrote.

    A file of the size and modification time of its record is taken for whole; any other is hashed first. Hashing half
    a gigabyte at every opening would take longer than the opening.

    Args:
        folder: The folder.
        whole_hash: Hash every file, whatever its size and time say.

    Returns:
        The base.

    Raises:
        BaseModelError: If a file is missing, cut short or altered.
    """
    record = verify(folder, whole_hash=whole_hash)
    names = BaseFacts.__dataclass_fields__
    facts = BaseFacts(**{**{name: record[name] for name in names}, "languages": tuple(record["languages"])})
    base = opened(folder, facts, combined_hash(record["files"]))
    turns = record.get("turns")
    output = _output(folder) if OUTPUT in record["files"] else None
    return replace(base, turns=None if turns is None else Turns.from_table(turns), output=output)


def _output(folder: Path) -> Tensor:
    from safetensors.torch import load_file

    matrix: Tensor = load_file(folder / OUTPUT)[OUTPUT]
    return matrix


def opened(folder: Path, facts: BaseFacts, content_hash: str) -> Base:
    """Open model and tokenizer of a verified folder."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:  # a quarter of a million pieces take most of a second to read
        reading = pool.submit(Tokenizer.from_file, str(folder / TOKENIZER))
        model = open_model(folder)
        tokenizer = reading.result()
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Base(model=model, tokenizer=tokenizer, sha256=content_hash, **_fields(facts))


def open_model(folder: Path) -> nn.Module:
    """Open the headless transformers model of a folder, in float32 and evaluation mode.

    Raises:
        BaseModelError: If its architecture is unknown or its weights do not fit.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with quiet_transformers():
            model, notes = AutoModel.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                **headless(config.model_type),
            )
    except Exception as error:  # each architecture meets a wrong configuration, and torch wrong weights, in its own way
        raise BaseModelError(
            f"The model in {folder} cannot be opened: {_first_line(error)}",
            "It must be a transformers model with config.json and safetensors of the same architecture.",
        ) from error
    if notes["missing_keys"]:  # transformers would fill them with random numbers
        absent = sorted(notes["missing_keys"])
        raise BaseModelError(
            f"The weights in {folder} lack {len(absent)} tensors that the model needs, such as {absent[0]}.",
            "They are cut short or of another model: fetch them anew.",
        )
    opened_model: nn.Module = model.eval()
    return opened_model


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from reporting the task head that is left out, and from drawing its bar, for a while."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def headless(model_type: str) -> dict[str, Any]:
    """Return what tells a model class to leave out its pooler, which no checkpoint of ours has trained."""
    poolers = {"bert", "roberta", "xlm-roberta", "camembert", "ernie", "data2vec-text", "xlm-roberta-xl", "nezha"}
    return {"add_pooling_layer": False} if model_type in poolers else {}


def verify(folder: Path, *, whole_hash: bool = False) -> dict[str, Any]:
    """Compare the files of a folder with their record.

    Args:
        folder: The folder.
        whole_hash: Hash every file, whatever its size and time say.

    Returns:
        The record, `feilun_base.json`.

    Raises:
        BaseModelError: If a file is missing, cut short or altered; it is named.
    """
    try:
        record: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        files = record["files"]
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(folder / FACTS, "cannot be read") from error
    if record.get("schema") != SCHEMA:
        raise _damaged(folder / FACTS, f"has schema {record.get('schema')!r}, not {SCHEMA}")
    for name in (*PARTS, *(name for name in files if name not in PARTS)):
        path = folder / name
        if not path.is_file():
            raise _damaged(path, "is missing")
        found = path.stat()
        if found.st_size != files[name]["size"]:
            raise _damaged(path, f"has {found.st_size:,} bytes instead of {files[name]['size']:,}")
        untouched = found.st_mtime_ns == files[name]["modified"] and not whole_hash
        if not untouched and sha256(path) != files[name]["sha256"]:
            raise _damaged(path, "is not what was written: its SHA-256 differs")
    return record


def combined_hash(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one hash for weights and tokenizer; the configuration names library versions and stays out."""
    joined = "".join(files[name]["sha256"] for name in (WEIGHTS, TOKENIZER, OUTPUT) if name in files)
    return hashlib.sha256(joined.encode()).hexdigest()


def _record(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"sha256": sha256(path), "size": found.st_size, "modified": found.st_mtime_ns}


def _fields(facts: BaseFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in BaseFacts.__dataclass_fields__}


def _damaged(path: Path, what: str) -> BaseModelError:
    return BaseModelError(
        f"The base model's file {path} {what}.",
        f"Remove the folder {path.parent}: a packaged base is converted anew at the next use; make another one anew.",
    )


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
