"""Files of entities, topics and rules are read in one way; whatever stands in them, the user is told."""

import pytest

from feilun.apps.public_opinion.gazetteer import read_gazetteer
from feilun.apps.public_opinion.rules import read_rules
from feilun.apps.public_opinion.scheme import read_scheme
from feilun.core.errors import DataError, RecipeError

READERS = {"entity": read_gazetteer, "topic": read_scheme, "rule": lambda path: read_rules(path, (), ())}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        ("", RecipeError, "there is no table"),
        ("NAME = 3", RecipeError, "write tables"),
        ("[NAME]\nname = 'a'", RecipeError, "write tables"),
        ("NAME = [3]", RecipeError, "write tables"),
        ("[[NAME]]\nnme = 'a'", RecipeError, "NAME 1: unknown key 'nme'"),
        ("[[NAME]\n", DataError, "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_of_tables_is_told(name, content, kind, expected, tmp_path):
    path = tmp_path / "tables.toml"
    path.write_text(content.replace("NAME", name))
    with pytest.raises(kind) as raised:
        READERS[name](path)
    assert expected.replace("NAME", name) in str(raised.value)
