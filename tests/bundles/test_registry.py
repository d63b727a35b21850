"""Names and versions of bundles."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from feilun.bundles.bundle import open_bundle
from feilun.bundles.registry import names, next_version, resolve, versions
from feilun.core.errors import BundleError, StorageError, UsageError
from tiny_bundle import made_bundle


def test_versions_count_up_and_the_newest_answers(own_home: Path) -> None:
    for seed in range(3):
        made_bundle(next_version("客户评论"), seed)
    assert versions("客户评论") == [1, 2, 3]
    assert names() == ["客户评论"]
    newest, second = open_bundle("客户评论", threads=1), open_bundle("客户评论@2", threads=1)
    assert (newest.version, second.version) == ("3", "2")
    assert newest.path == own_home / "models" / "客户评论" / "3"
    assert newest.manifest["hash"] != second.manifest["hash"]


def test_version_without_a_bundle_is_none_and_is_not_taken_twice() -> None:
    made_bundle(next_version("reviews"))
    next_version("reviews")  # a run that failed afterwards
    assert versions("reviews") == [1]
    assert next_version("reviews").name == "3"


def test_no_two_runs_get_one_version() -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: next_version("reviews"), range(24)))
    assert len(set(taken)) == 24


def test_unknown_names_and_versions_are_answered_with_what_there_is() -> None:
    with pytest.raises(BundleError, match="None is registered"):
        open_bundle("reviews")
    made_bundle(next_version("reviews"))
    with pytest.raises(BundleError, match="Did you mean 'reviews'"):
        open_bundle("reveiws")
    for version in ("9", "x"):
        with pytest.raises(BundleError, match=rf"no version '{version}'. Its versions: 1"):
            open_bundle(f"reviews@{version}")
    assert resolve("reviews@1") == resolve("reviews")


def test_folder_that_holds_a_bundle_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_bundle(next_version("reviews"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews").mkdir()
    assert open_bundle("reviews", threads=1).version == "1"
    made_bundle(Path("reviews"), seed=1)
    assert open_bundle("reviews", threads=1).path == Path("reviews")
    shutil.rmtree("reviews")
    assert open_bundle("reviews", threads=1).version == "1"


@pytest.mark.parametrize("name", ["", "..", "../up", "a/b", "a\\b", "c:x", ".hidden", "x@2", "x\n"])
def test_names_that_are_paths_are_refused(name: str, own_home: Path) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        next_version(name)
    assert list(own_home.iterdir()) == []
    assert versions(name) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that not even root may write")
def test_home_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEILUN_HOME", "/sys/feilun")
    with pytest.raises(StorageError, match="cannot be written"):
        next_version("reviews")
