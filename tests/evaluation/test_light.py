"""Judging code can be imported without the libraries that only some of it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from feilun.core.errors import MissingExtra
from feilun.evaluation.baselines.single_label import fit_baselines
from feilun.evaluation.presentation import fonts, plots

HEAVY = ("sklearn", "scipy", "matplotlib", "torch", "transformers", "polars")
MODULES = (
    "baselines.single_label", "calibration", "evaluate",
    "presentation.card", "presentation.plots", "presentation.terminal", "presentation.words",
)  # fmt: skip


def test_importing_loads_no_heavy_library():
    imports = "; ".join(f"import feilun.evaluation.{module}" for module in MODULES)
    code = f"import sys; {imports}; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    from test_baselines import LABELS, reviews

    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtra, match=r"scikit-learn.*feilun\[data\]"):
        fit_baselines(reviews(20), LABELS)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"matplotlib.*feilun\[data\]"):
        plots.new_figure(1, 1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    fonts._fonts.cache_clear()
    with pytest.raises(MissingExtra, match="matplotlib"):
        fonts.families()
