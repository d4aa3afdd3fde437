# Needs Python 3.11 or later, pip, git and make; everything else is installed into .venv here.
PYTHON ?= python3
VENV := .venv
BASE_VENV := .venv-base
INSTALL_INPUTS := pyproject.toml constraints.txt
# Two test processes share the cores, so each computes on one thread.
TEST_ENV := OMP_NUM_THREADS=1

define check-python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Hertzian needs Python 3.11 or later, but '$(PYTHON)' is" \
		"$$($(PYTHON) --version 2>&1 | tail -n 1). Name another: make PYTHON=python3.12 ..." >&2; \
	exit 1; }
endef

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-commands test-base lint format clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.train ## Install, then show Hertzian at work; its files go to demo/
	$(VENV)/bin/hertzian demo --out demo

test: $(VENV)/.dev ## Install, then run all tests but those below
	$(TEST_ENV) $(VENV)/bin/pytest -q -n 2 -m 'not commands'

test-commands: $(VENV)/.dev ## Run every command of the READMEs at smoke scale
	$(TEST_ENV) $(VENV)/bin/pytest -q -n 2 -m commands

test-base: ## Run the tests marked `base` in a fresh environment without torch
	$(check-python)
	$(PYTHON) -m venv --clear $(BASE_VENV)
	$(BASE_VENV)/bin/python -m pip install -q -c constraints.txt . pytest hypothesis
	$(TEST_ENV) $(BASE_VENV)/bin/pytest -q -m base

lint: $(VENV)/.dev ## Check style, format, types and the rooms' import order
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.dev ## Put the code into the project's format
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean: ## Remove the environments and everything generated
	rm -rf $(VENV) $(BASE_VENV) build dist demo .hypothesis .import_linter_cache .mypy_cache \
		.pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps below make a second call quick: pip runs again only when the inputs have changed.
$(VENV)/bin/python:
	$(check-python)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: $(INSTALL_INPUTS) | $(VENV)/bin/python
	@echo 'Installing into $(VENV): a few minutes the first time'
	$(VENV)/bin/python -m pip install -q -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/.dev: $(INSTALL_INPUTS) | $(VENV)/bin/python
	@echo 'Installing into $(VENV): a few minutes the first time'
	$(VENV)/bin/python -m pip install -q -c constraints.txt -e '.[train,dev,executorch,litert]'
	@touch $(VENV)/.train $@
