"""What is no recipe is told with what it is, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from feilun.core.errors import RecipeError, UsageError
from feilun.core.remark import said_in
from feilun.workflow.recipe import load


def test_a_table_in_the_place_of_a_recipe_is_answered_with_the_command_that_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "reviews.CSV"
    path.write_text("text,label\n" + "good,yes\n" * 20_000)
    with pytest.raises(UsageError, match=r"is a table by its ending, not a recipe. `feilun init --data .*reviews.CSV`"):
        load(path)


@pytest.mark.parametrize("line", ['名称 = "评论"', "[数据]", '"a"．b = 1'])
def test_chinese_keys_are_answered_with_how_keys_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f'\ufefftask = "classify"\r\n{line}\r\n', encoding="utf-8", newline="")
    with pytest.raises(RecipeError, match=r"line 2, column .* Keys and tables have English names") as error:
        load(path)
    assert "中文写在 = 后面的英文直引号里" in said_in("zh", error.value.message)
