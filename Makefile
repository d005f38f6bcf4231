# The commands of the project. `make tune` and `make test` need nothing but Python 3.11 to 3.13 and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/lock.txt
TUNING := '.[sklearn,plot]'
ALL := '.[sklearn,plot,cma,postgres,mysql,dask,ray,slurm,dev,docs]'
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
# An index that does not answer for a moment reads like versions that conflict.
TWICE = $(1) || { echo 'Once more, in case that the index of packages did not answer:'; $(1); }
# A file is compiled when it is first imported: to compile all that is installed takes a minute and a half.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# What failed runs once more, alone: many tests start servers, clusters and processes and kill them, and a machine that
# does something else at that moment can be too slow for one. Both runs are printed; what fails twice is red.
ALONE = { echo; echo 'What failed, once more and alone:'; $(THREADS) $(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }

# Where an environment forbids bytecode, each of hundreds of processes compiles all files again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help tune test needed browser databases check static fast quick format bench docs lock lowest clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13), "Luthier needs Python 3.11 to 3.13; choose one: make PYTHON=python3.12"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(LOCK) pyproject.toml | $(VENV)/bin/python
	$(call TWICE,$(PIP_INSTALL) --constraint $(LOCK) --editable $(TUNING))
	@touch $@

$(VENV)/.dev: $(LOCK) pyproject.toml | $(VENV)/bin/python
	$(call TWICE,$(PIP_INSTALL) --constraint $(LOCK) --editable $(ALL))
	@touch $@ $(VENV)/.run

tune: $(VENV)/.run ## tune a support vector machine on scikit-learn's digits; goes on where it was stopped
	$(THREADS) $(BIN)/luthier run examples/digits.toml

$(VENV)/sklearn-1.7: | $(VENV)/.dev
	$(call TWICE,$(PIP_INSTALL) --no-deps --upgrade --target $@ 'scikit-learn==1.7.*')

# Hypothesis reads all that is loaded from elsewhere than a folder of this name, for half a minute.
$(VENV)/pyspark/site-packages: | $(VENV)/.dev
	$(call TWICE,$(PIP_INSTALL) --upgrade --target $@ 'pyspark==4.*')

$(VENV)/training/site-packages: requirements/training.txt requirements/training.sh | $(VENV)/.dev
	requirements/training.sh $(BIN)/python $@
	@touch $@

browser: ## install Chromium, in which tests open reports, where there is none
	requirements/browser.sh

databases: | browser ## install PostgreSQL and MariaDB, whose servers tests start for themselves, where there are none
	requirements/databases.sh

# What tests need beside the environment. The system's packages come one after the other: their database has one lock.
needed: $(VENV)/sklearn-1.7 $(VENV)/pyspark/site-packages $(VENV)/training/site-packages browser databases

# With SINCE_CHECK=yes, what passed in `make check` in this very tree, in full, is left out: see tests/passed_tests.py.
test: $(VENV)/.dev ## all tests
	$(MAKE) --jobs=4 needed
	$(THREADS) $(BIN)/python -m pytest -n 2 --dist worksteal --durations=40 $(if $(SINCE_CHECK),--leave-out-passed) || $(ALONE)

check: $(VENV)/.dev ## format, lint, types, layers, fast tests: before every commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --jobs=2 static fast

# The two halves of `check`, at the same time: mypy alone would keep one core of two.
static: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/lint-imports

fast: $(VENV)/.dev
	$(THREADS) $(BIN)/python -m pytest -n 2 -q -m 'not slow' || $(ALONE)

LOWEST := requirements/lowest.txt
# Beside the versions that are tested: what writes tables and proves properties, and what runs the tests.
TOOLS := 'hypothesis>=6.100' 'pytest>=8.3' 'pytest-timeout>=2.3' 'pytest-xdist>=3.6' 'mpmath>=1.3' 'pyarrow>=17,<18' 'polars>=1.30'

.venv-lowest/.made: $(LOWEST) pyproject.toml
	rm -rf .venv-lowest && $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(LOWEST) --editable '.[sklearn,plot,cma,postgres,mysql]' $(TOOLS)
	@touch $@

lowest: .venv-lowest/.made ## fast tests with the lowest versions of all dependencies (in .venv-lowest)
	$(THREADS) .venv-lowest/bin/python -m pytest -n 2 -q -m 'not slow' tests/unit tests/contract tests/law \
	  --ignore-glob='tests/unit/test_golden_*' --ignore=tests/unit/test_docs.py --ignore=tests/unit/test_docs_reference.py

format: $(VENV)/.dev ## put the code into its one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## build the site of the documents, out/docs/index.html; links are checked, warnings are errors
	$(THREADS) $(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet --conf-dir docs . out/docs
	@echo 'the site is out/docs/index.html'

bench: $(VENV)/.dev ## time Luthier against its peers in one run (installs them in .venv-bench)
	benchmarks/run.sh

lock: ## write the lock anew from the newest versions
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --upgrade pip
	.venv-lock/bin/python -m pip install --quiet --editable $(ALL)
	{ echo '# Exact versions of everything that Luthier is developed and tested with. Written by `make lock`.'; \
	  .venv-lock/bin/python -m pip freeze --exclude-editable --exclude luthier; } > $(LOCK)
	rm -rf .venv-lock

clean: ## remove what can be made again (studies, *.db, are kept)
	rm -rf $(VENV) .venv-bench .venv-lowest .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist out/docs docs/reference/api
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
