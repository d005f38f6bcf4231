# The commands of the project. `make tune` and `make test` need nothing but Python 3.11 to 3.13 and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/lock.txt
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help tune test check quick format bench docs lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13), "Luthier needs Python 3.11 to 3.13; choose one: make PYTHON=python3.12"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(LOCK) pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[sklearn]'
	@touch $@

$(VENV)/.dev: $(LOCK) pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[sklearn,plot,cma,dev]'
	@touch $@ $(VENV)/.run

tune: $(VENV)/.run ## tune a support vector machine on scikit-learn's digits; goes on where it was stopped
	$(THREADS) $(BIN)/luthier run examples/digits.toml

$(VENV)/sklearn-1.7: | $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@ 'scikit-learn==1.7.*'

test: $(VENV)/.dev $(VENV)/sklearn-1.7 ## all tests
	$(THREADS) $(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/.dev ## format, lint, types, layers, fast tests: before every commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(THREADS) $(BIN)/python -m pytest -n 2 -q -m 'not slow'

format: $(VENV)/.dev ## put the code into its one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## time Luthier against its peers in one run (installs them in .venv-bench)
	benchmarks/run.sh

lock: ## write the lock anew from the newest versions
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --upgrade pip
	.venv-lock/bin/python -m pip install --quiet --editable '.[sklearn,plot,cma,dev]'
	{ echo '# Exact versions of everything that Luthier is developed and tested with. Written by `make lock`.'; \
	  .venv-lock/bin/python -m pip freeze --exclude-editable --exclude luthier; } > $(LOCK)
	rm -rf .venv-lock

clean: ## remove what can be made again (studies, *.db, are kept)
	rm -rf $(VENV) .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
