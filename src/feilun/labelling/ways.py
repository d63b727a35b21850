"""What makes a text worth a label."""

from __future__ import annotations

from typing import Literal, get_args

By = Literal["both", "margin", "entropy", "diversity"]

WAYS: tuple[By, ...] = get_args(By)
