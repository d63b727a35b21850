"""No password is written down."""

from __future__ import annotations

from feilun.workflow.confidential import without_passwords, without_places

TABLE = {
    "data": {
        "train": "postgresql+psycopg://bank:geheim@db.example:5432/reviews",
        "validation": "/home/someone/客户/dev.csv",
        "test": None,
        "query": "select 1",
    },
    "model": {"base": "/models/e5"},
    "training": {"distil": {"teachers": ["/home/someone/teacher", "reviews@2"]}},
}


def test_run_keeps_paths_but_no_password() -> None:
    table = without_passwords(TABLE)
    assert "geheim" not in str(table)
    assert "db.example" in table["data"]["train"]
    assert table["data"]["validation"] == TABLE["data"]["validation"]


def test_what_travels_has_neither_password_nor_folder() -> None:
    table = without_places(TABLE)
    assert all(secret not in str(table) for secret in ("geheim", "bank:", "someone", "/models"))
    assert table["data"]["validation"] == "dev.csv"
    assert table["data"]["query"] == "select 1"
    assert table["training"]["distil"]["teachers"] == ["teacher", "reviews@2"]
    assert TABLE["model"]["base"] == "/models/e5"
