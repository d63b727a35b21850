"""The names that `import feilun` offers."""

from __future__ import annotations

import sys

import pytest

import feilun
from feilun.core.errors import MissingExtra


def test_a_name_whose_packages_are_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "feilun.workflow.steps", None)  # as where an import in it fails
    with pytest.raises(MissingExtra, match=r"feilun\.train needs the package .* pip install 'feilun\[train\]'"):
        feilun.train  # noqa: B018


def test_public_names_can_be_completed() -> None:
    assert {"train", "open", "evaluate", "__version__"} <= set(dir(feilun))
