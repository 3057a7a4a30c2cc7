# `make` lists what there is. Everything lives in .venv; nothing is installed outside this folder.

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
READY := .venv/.ready
# Twice as many as there are cores, at most six: many tests wait for real processes, and for the next minute.
PROCESSES = $(shell n=$$(getconf _NPROCESSORS_ONLN); n=$$((n * 2)); echo $$((n > 6 ? 6 : n)))

.DEFAULT_GOAL := help
.PHONY: help setup demo up test check docs bench lab lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything, from the locked versions

demo: $(READY) ## run the main job on this machine, kill it half-way, show that the sums meet
	$(BIN)/omniworker demo

up: $(READY) ## run all processes on this machine, with a Redis and a ledger under var/
	$(BIN)/omniworker up

test: $(READY) ## run the tests, in up to six processes
	$(BIN)/pytest -q --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

check: $(READY) ## formatting, lint, types, which room may import which, and pages that are stale
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.generator --check

docs: $(READY) ## write anew what follows from the code: operations, settings, codes, .env.example
	$(BIN)/python -m docs.generator

bench: $(READY) ## measure the speed beside a bare loop and plain Celery
	$(BIN)/python -m tests.bench

lab: $(READY) ## kill, cut and starve everything, and count what was lost
	$(BIN)/python -m tests.lab

COMPILE = uv pip compile pyproject.toml --extra embedded --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --quiet

lock: ## write the locks anew (wants uv; UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) --output-file requirements.txt
	printf 'hatchling\neditables\n' | $(COMPILE) $(UPGRADE) - --group dev --output-file requirements-dev.txt

clean: ## remove .venv and what tools left (never var/)
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What builds the project (hatchling, editables) is in the lock, so that building the project itself downloads nothing.
$(READY): pyproject.toml requirements-dev.txt | .venv
ifneq ($(UV),)
	uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.txt
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endif
	touch $@

.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make setup PYTHON=python3.12"; exit 1; }
ifneq ($(UV),)
	uv venv --quiet --python "$$(command -v $(PYTHON))" .venv
else
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "This Python can't make virtual environments: apt install python3-venv (or install uv)."; exit 1; }
	$(PYTHON) -m venv .venv
endif
