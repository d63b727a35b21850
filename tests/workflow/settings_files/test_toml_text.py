import tomllib

from hypothesis import given
from hypothesis import strategies as st

from feilun.workflow.settings_files.toml_text import lines_of_keys, to_toml

TEXT = '''# a comment with a = sign
name = "x" # and one behind

[data]
train = "a.csv"
query = """
select 1
name = "not a key"
"""
"quoted key" = 1
columns = [
  "a",
  "b",
]
clean.deduplicate = "none"

[training.early_stopping]
patience = 2
[model]
adaptation = { kind = "full" }
'''


def test_every_key_has_the_line_on_which_its_statement_begins():
    lines = lines_of_keys(TEXT)
    written = TEXT.splitlines()
    assert lines["name"] == 2
    assert lines["data"] == 4
    assert written[lines["data.query"] - 1].startswith("query")
    assert written[lines["data.quoted key"] - 1].startswith('"quoted key"')
    assert written[lines["data.columns"] - 1].startswith("columns")
    assert written[lines["data.clean.deduplicate"] - 1].startswith("clean.")
    assert written[lines["training.early_stopping"] - 1] == "[training.early_stopping]"
    assert written[lines["model.adaptation.kind"] - 1].startswith("adaptation")
    assert "data.name" not in lines


def test_windows_line_ends_count_as_one_line_each():
    assert lines_of_keys(TEXT.replace("\n", "\r\n")) == lines_of_keys(TEXT)


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
)
values = st.recursive(
    st.one_of(plain, st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=3)),
    lambda inner: st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(names, values, max_size=5))
def test_a_table_written_reads_back_equal(table):
    assert tomllib.loads(to_toml(table)) == table


@given(st.dictionaries(names, values, max_size=5))
def test_every_top_key_of_a_written_table_has_a_line(table):
    assert set(table) <= set(lines_of_keys(to_toml(table)))
