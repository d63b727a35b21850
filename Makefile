# One command does all, also on a fresh machine: each target first makes .venv where there is none.
#
#   make quickstart   the whole loop on real Chinese reviews, in a few minutes
#   make test         all tests; `make fast` leaves out those that train on real data
#   make check        format, lint, types, import floors, docs: the same on a laptop and in CI
#   make bench        the figures of docs/benchmarks.md, on the public data sets in DATA=folder
#   make docs         writes the generated tables of docs/ anew

VENV := .venv
BIN := $(VENV)/bin
EXTRAS := train,bases,sample,dev
WORKERS ?= 2
DATA ?= ../shared/data

.DEFAULT_GOAL := help
.PHONY: help install quickstart test fast check format docs bench clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile

install: $(VENV)/.installed

# On Linux the plain torch brings gigabytes of GPU libraries, so a processor build is taken where pip finds one and
# the machine has no GPU.
$(VENV)/.installed: pyproject.toml
	@python=$$(for p in python3.11 python3.12 python3.13 python3; do \
	    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done); \
	test -n "$$python" || { echo "Feilun needs Python 3.11 or newer, and none was found." >&2; exit 1; }; \
	test -x $(BIN)/python || { echo "Making $(VENV) with $$python"; $$python -m venv $(VENV); }
	@command -v nvidia-smi >/dev/null 2>&1 || $(BIN)/python -c 'import torch' 2>/dev/null || \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0+cpu' 2>/dev/null || \
	    echo "No processor build of torch in reach: the plain one follows."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.*'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'
	@touch $@

quickstart: install
	$(BIN)/feilun quickstart

# One thread a worker: two tests that each ask for all cores wait for one another. A file is one worker's, as it may
# train for its tests once; tests/conftest.py puts the long ones first. Compiled files are kept: tests start processes.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
TOGETHER := -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 12

test: install
	$(PYTEST) $(TOGETHER)

fast: install
	$(PYTEST) $(TOGETHER) -m 'not slow'

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) tests/test_docs.py

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: install
	$(BIN)/python docs/generate.py

bench: install
	$(BIN)/python benchmarks/training.py --data $(DATA)/banking77
	$(BIN)/python benchmarks/training.py --data $(DATA)/banking77 --frozen
	$(BIN)/python benchmarks/training.py --data $(DATA)/waimai_10k --base multilingual-e5-small
	$(BIN)/python benchmarks/inference.py --data $(DATA)/banking77
	$(BIN)/python benchmarks/quality.py --data $(DATA)
	$(BIN)/python benchmarks/drift.py --data $(DATA) --replays 1000
	$(BIN)/python benchmarks/drift_tasks.py --data $(DATA) --replays 500
	$(BIN)/python benchmarks/performance.py --data $(DATA)
	$(BIN)/python benchmarks/kills.py --kills 200
	$(BIN)/python benchmarks/cascade.py --data $(DATA)
	$(BIN)/python benchmarks/parallel.py --data $(DATA)/waimai_10k --base multilingual-e5-small

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
