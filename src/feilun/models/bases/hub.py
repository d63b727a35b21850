"""Base models from a hub, its local cache first."""

from __future__ import annotations

import os
from pathlib import Path

from feilun.core.errors import BaseModelError, nearest
from feilun.core.remark import Remark, said_in
from feilun.models.bases.base import Base
from feilun.models.bases.folder import open_checked
from feilun.models.bases.folder_facts import read_json
from feilun.models.bases.packaged import PACKAGED
from feilun.models.bases.safety import WHY_PICKLE, check_folder
from feilun.models.bases.stored import CONFIG, WEIGHTS

SMALL_FILES = ("*.json", "*.jinja", "*.txt", "*.model", "README.md")
WEIGHT_FILES = ("*.safetensors",)
PICKLED_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")

INDEX = "model.safetensors.index.json"
PATIENCE = 10.0
"""Seconds until a hub that does not answer counts as out of reach."""


def open_hub(name: str) -> Base:
    """Open a base by its hub id: from the hub's local cache where it is whole, else by downloading it.

    Args:
        name: Such as `org/model`; the environment's HF_ENDPOINT names a mirror.

    Returns:
        The base.

    Raises:
        BaseModelError: If the hub cannot be reached, has no such model, or the model is unsafe.
    """
    folder = _cached_snapshot(name) or _download(name)
    check_folder(folder, refuse_pickles=False)
    return open_checked(folder, name)


def _cached_snapshot(name: str) -> Path | None:
    """Return the hub's local copy where configuration and every weight file of it are there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = Path(snapshot_download(name, local_files_only=True, allow_patterns=[CONFIG]))
    except HFValidationError as error:
        raise BaseModelError(
            Remark(
                f"{name!r} is no base model's name. {nearest(name, PACKAGED)}",
                f"{name!r} 不是基座模型的名称。{said_in('zh', nearest(name, PACKAGED))}",
            ),
            Remark(
                "Give a packaged name, a hub id such as org/model, or the path of a folder.",
                "请给出打包基座的名称、hub 上的名称（如 org/model）或文件夹路径。",
            ),
        ) from error
    except OSError:  # nothing there, or not all of it
        return None
    shards = set(read_json(folder / INDEX).get("weight_map", {}).values()) or {WEIGHTS}
    whole = all((folder / str(shard)).is_file() for shard in (CONFIG, *shards))
    return folder if whole else None


def _download(name: str) -> Path:
    """Fetch a model: first the small files, which are checked, then the weights."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        siblings = HfApi().model_info(name, timeout=PATIENCE).siblings or []
        _need_safetensors(name, [sibling.rfilename for sibling in siblings])
        check_folder(Path(snapshot_download(name, allow_patterns=list(SMALL_FILES))), refuse_pickles=False)
        patterns = list(SMALL_FILES + WEIGHT_FILES)
        return Path(snapshot_download(name, allow_patterns=patterns, ignore_patterns=["*/*.safetensors"]))
    except BaseModelError:
        raise
    except GatedRepoError as error:
        raise BaseModelError(
            Remark(
                f"The hub gives {name} only to accounts that agreed to its terms.",
                f"hub 只向同意其条款的账户提供 {name}。",
            ),
            Remark(
                "Agree on the model's page, set HF_TOKEN, and run the command again.",
                "请在模型页面上同意条款，设置 HF_TOKEN，再运行一次。",
            ),
        ) from error
    except RepositoryNotFoundError as error:
        raise BaseModelError(
            Remark(
                f"There is no base model {name!r}: neither packaged nor on the hub. {nearest(name, PACKAGED)}",
                f"没有基座模型 {name!r}：既没有打包，hub 上也没有。{said_in('zh', nearest(name, PACKAGED))}",
            ),
            Remark(
                "`feilun bases` lists the packaged ones; a hub id has the form org/model.",
                "`feilun bases` 列出打包的基座；hub 上的名称形如 org/model。",
            ),
        ) from error
    except Exception as error:  # the hub's client changed its HTTP library, and its errors, more than once
        raise _unreachable(name, error) from error


def _need_safetensors(name: str, files: list[str]) -> None:
    if any(file.endswith(".safetensors") for file in files):
        return
    pickled = sorted(file for file in files if file.endswith(PICKLED_WEIGHTS))
    has = (
        Remark(f"only {', '.join(pickled[:3])}", f"只有 {'、'.join(pickled[:3])}")
        if pickled
        else Remark("no weights that Feilun reads", "没有飞轮能读的权重")
    )
    raise BaseModelError(
        Remark(
            f"The hub's model {name} has no safetensors: it has {has}. {WHY_PICKLE}",
            f"hub 上的模型 {name} 没有 safetensors：{has.chinese}。{WHY_PICKLE.chinese}",
        ),
        Remark(
            "Choose another copy of the model, or download a GGUF file of it and give its path.",
            "请选择该模型的另一份副本，或下载它的 GGUF 文件并给出路径。",
        ),
    )


def _unreachable(name: str, error: Exception) -> BaseModelError:
    from huggingface_hub import constants

    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    offline = (
        Remark(" Networking is switched off by HF_HUB_OFFLINE.", "HF_HUB_OFFLINE 关闭了联网。")
        if os.environ.get("HF_HUB_OFFLINE")
        else ""
    )
    return BaseModelError(
        Remark(
            f"The base model {name!r} is not packaged and not in the local cache, and the hub at {constants.ENDPOINT} "
            f"cannot be reached: {reason}.{offline} {nearest(name, PACKAGED)}",
            f"基座模型 {name!r} 没有打包，"
            f"也不在本地缓存中，而 hub（{constants.ENDPOINT}）连接不上：{reason}。"
            f"{said_in('zh', offline)}{said_in('zh', nearest(name, PACKAGED))}",
        ),
        Remark(
            "Set HF_ENDPOINT to a mirror that you can reach, or download the model elsewhere (hub or ModelScope) and "
            "give "
            "its folder; the packaged bases need no hub (`feilun bases`).",
            "请把 HF_ENDPOINT 设为能连上的镜像，或在别处（hub 或 ModelScope）下载模型后给出文件夹；"
            "打包的基座不需要 hub（`feilun bases`）。",
        ),
    )
