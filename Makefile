# make run opens the terminal, make test runs every test. Both set up what they need in .venv; all
# they ask for is Python 3.11 or newer and a package index.

PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; \
	done)
BIN := .venv/bin
PIP := -m pip --disable-pip-version-check --quiet
# A plain path entry instead of an import hook: the hook would slow every start down.
INSTALL := install --no-deps --config-settings editable_mode=compat --editable .
NODE := $(if $(shell command -v npm),.node/.ready)

.PHONY: run test soak mutants lint bench package snapshots lock clean

run: .venv/.run
	@$(BIN)/steerco

test: .venv/.dev $(NODE)
	$(BIN)/python -m pytest -n 2

# What takes minutes: thousands of histories, a thousand kills, two processes at one database.
soak: .venv/.dev
	$(BIN)/python -m pytest -n 2 -m soak

# Puts seeded bugs into a copy of the tree, one at a time, and says which test caught which.
mutants: .venv/.dev
	$(BIN)/python scripts/mutants.py

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The peers that the figures are compared with live in an environment of their own.
bench: .bench/.ready
	.bench/bin/python -m bench

# Writes sf/ from the table of fields and checks it, with Salesforce's own converter where npm is.
package: .venv/.dev $(NODE)
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

# Salesforce's converter and jsforce, which tests run where npm is. A registry that can't be reached
# stops nothing: those tests are then skipped with a sentence, and fail where CI is set.
.node/.ready: tests/node/package.json
	@mkdir -p .node && cp $< .node/
	@cd .node && npm install --no-audit --no-fund --no-package-lock --loglevel=error \
		--fetch-timeout=30000 --fetch-retries=1 \
		&& touch .ready || echo "npm could not install what tests/node needs; going on without it" >&2

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
	rm -rf .venv .bench .node .lock build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
