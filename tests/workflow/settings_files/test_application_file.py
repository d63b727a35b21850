"""The files of all three applications are read in one way, and say what is wrong in one way."""

from pathlib import Path

import pytest

from feilun.core.errors import FeilunError, RecipeError, UsageError
from feilun.workflow.applications.customer_service import file as customer_service
from feilun.workflow.applications.public_opinion import file as public_opinion
from feilun.workflow.applications.recommendation import file as recommendation

APPLICATIONS = pytest.mark.parametrize("application", [customer_service, public_opinion, recommendation])


def told(application, path: Path, kind: type[FeilunError] = RecipeError) -> str:
    with pytest.raises(kind) as raised:
        application.read_application(path)
    return str(raised.value)


@APPLICATIONS
def test_a_file_that_is_not_there_is_answered_with_an_example(application, tmp_path):
    said = told(application, tmp_path, UsageError)
    name = said.partition("examples/")[2].partition(" ")[0]
    assert (Path(__file__).parents[3] / "examples" / name).is_file()


@APPLICATIONS
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("name = 'a'\nentities = '银行'\n".encode("gbk"), "line 2: not UTF-8"),
        ("name = “a”\n".encode(), "write straight quotes"),
        (b"name = 'a'\napplicaton = 'b'\n", "line 2: unknown key 'applicaton'. Did you mean 'application'?"),
    ],
    ids=["not UTF-8", "Chinese quotes", "misspelt"],
)
def test_what_is_wrong_is_told_with_its_line(application, content, expected, tmp_path):
    path = tmp_path / "application.toml"
    path.write_bytes(content)
    assert expected in told(application, path)
