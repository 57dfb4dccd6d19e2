# make run opens the terminal, make test runs every test. Both set up what they need in .venv; all
# they ask for is Python 3.11 or newer and a package index.

PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; \
	done)
BIN := .venv/bin
PIP := -m pip --disable-pip-version-check --quiet
# A plain path entry instead of an import hook: the hook would slow every start down.
INSTALL := install --no-deps --config-settings editable_mode=compat --editable .

.PHONY: run test lint bench package snapshots lock clean

run: .venv/.run
	@$(BIN)/steerco

test: .venv/.dev
	$(BIN)/python -m pytest -n 2

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The peers that the figures are compared with live in an environment of their own.
bench: .bench/.ready
	.bench/bin/python -m bench

# Writes sf/ from the table of fields and checks it, with Salesforce's own converter where Node is.
package: .venv/.dev $(if $(shell command -v npm),.converter/.ready)
	$(BIN)/python scripts/make_package.py
	$(BIN)/python -m pytest -q tests/package

# Look at every changed picture before committing it.
snapshots: .venv/.dev
	$(BIN)/python -m pytest tests/screens --snapshot-update

.venv/.python:
	@test -n "$(PYTHON)" || { echo "Steerco needs Python 3.11 or newer, and none was found." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.python requirements.lock pyproject.toml
	$(BIN)/python $(PIP) install -r requirements.lock
	$(BIN)/python $(PIP) $(INSTALL)
	@touch $@

.venv/.dev: .venv/.run requirements-dev.lock
	$(BIN)/python $(PIP) install -r requirements-dev.lock
	@touch $@

.bench/.ready: requirements.lock bench/requirements.txt
	$(PYTHON) -m venv .bench
	.bench/bin/python $(PIP) install -r requirements.lock -r bench/requirements.txt
	@touch $@

.converter/.ready: scripts/converter/package.json
	@mkdir -p .converter && cp $< .converter/
	cd .converter && npm install --no-audit --no-fund --no-package-lock --loglevel=error
	@touch $@

# The newest versions that pyproject.toml allows, pinned. The files name no host.
lock:
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python $(PIP) install .
	{ echo "# What the program runs on, pinned. Regenerate with: make lock"; \
	  .lock/bin/python $(PIP) freeze --exclude steerco; } > requirements.lock
	.lock/bin/python $(PIP) install '.[dev]'
	{ echo "# What its tests and checks need besides. Regenerate with: make lock"; \
	  echo "-r requirements.lock"; \
	  .lock/bin/python $(PIP) freeze --all --exclude steerco --exclude pip | grep -vxFf requirements.lock; } \
	  > requirements-dev.lock
	rm -rf .lock build

clean:
	rm -rf .venv .bench .converter .lock build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
