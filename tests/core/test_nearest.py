import pytest

from feilun.core.errors import nearest


@pytest.mark.parametrize(
    ("name", "valid", "said"),
    [
        ("epoch", ["epochs", "seed"], "Did you mean 'epochs'?"),
        ("x", ["b", "a"], "Valid: a, b."),
        ("x", [], "There is none yet."),
    ],
)
def test_a_wrong_name_is_answered_with_what_would_be_right(name, valid, said):
    assert nearest(name, valid) == said
