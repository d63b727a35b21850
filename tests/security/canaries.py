"""The canary corpus: bundles, bases, recipes and archives made to do harm, and what each is refused with.

    PYTHONPATH=src:tests python -O tests/security/canaries.py

opens them all and prints, a JSON line a canary, how each was refused: no refusal may rest on an `assert`.
"""

from __future__ import annotations

import json
import os
import tempfile

from canary import refusal
from canary_bases import BASES
from canary_bundles import BUNDLES
from canary_files import FILES

CANARIES = (*BUNDLES, *BASES, *FILES)

if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())
    for one in CANARIES:
        print(json.dumps(refusal(one)))  # noqa: T201
