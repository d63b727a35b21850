"""Freed memory is kept for the next step."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from feilun.training.memory import keep_freed_memory
took_effect = sys.argv[1] == "keep" and keep_freed_memory()
def step():
    return [torch.ones(600_000) for _ in range(20)]
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(int(took_effect), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(choice: str) -> tuple[int, int]:
    """Whether it took effect, and the pages that the system had to clear in five steps."""
    found = subprocess.run([sys.executable, "-c", PROGRAM, choice], capture_output=True, text=True, check=True)
    took_effect, count = map(int, found.stdout.split())
    return took_effect, count


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_pages_are_not_cleared_anew() -> None:
    took_effect, kept = faults("keep")
    if not took_effect:
        pytest.skip("another C library")
    _, left = faults("leave")
    if not left:
        pytest.skip("this system does not count page faults")
    assert kept < left / 10
