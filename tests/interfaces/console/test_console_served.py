"""The verb that serves says where the page is, and the page is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from made_opinion import ran


@pytest.mark.slow
def test_the_address_that_is_said_leads_to_the_page(tmp_path: Path) -> None:
    with ran(tmp_path):
        pass
    command = [sys.executable, "-m", "feilun.interfaces.cli.main", "public-opinion", "serve", "application.toml"]
    environment = {**os.environ, "FEILUN_DATABASE": f"sqlite:///{tmp_path / 'a.db'}", "FEILUN_HOME": str(tmp_path)}
    served = subprocess.Popen(
        [*command, "--port", "0"], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE
    )
    try:
        assert served.stdout is not None
        said = re.fullmatch(r"Web page: (http://127\.0\.0\.1:\d+/console)\n", served.stdout.readline())
        assert said is not None
        served.stdout.readline()
        with urlopen(said[1]) as page:  # noqa: S310
            assert page.url.endswith("/console/public-opinion")
            assert b"public_opinion.js" in page.read()
    finally:
        served.terminate()
        served.wait(10)
