# make train, make test: each makes .venv and installs what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help train test test-slow test-extras lint format tensorboard clear-cache clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

train: $(VENV)/installed ## train the default model on the bundled reviews
	$(BIN)/python -m src.train

# One thread a process: two workers with two threads each wait for each other in every small operation
test: $(VENV)/installed-dev ## run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(VENV)/installed-dev ## run the tests that take long: every kill point, large inputs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m slow

# Elsewhere these tests skip; here one whose extra is missing fails
test-extras: $(VENV)/installed-extras ## run the tests of what is not installed by default: launchers, searches, trackers
	FROMZERO_TEST_EXTRAS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal tests/end_to_end/test_other_launchers.py tests/end_to_end/test_search.py tests/config/test_search_space.py tests/config/test_command_line.py tests/test_packaging.py \
		tests/end_to_end/test_trackers.py tests/training/test_assembly.py

lint: $(VENV)/installed-dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-dev ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

tensorboard: $(VENV)/installed ## curves of all runs
	$(BIN)/tensorboard --logdir outputs

clear-cache: $(VENV)/installed ## delete encoded reviews (downloads stay)
	$(BIN)/python -m src.cache clear

clean: ## delete the virtual environment
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --editable . --constraint constraints.txt
	touch $@

$(VENV)/installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --editable '.[dev,notebooks]' --constraint constraints.txt
	touch $@ $(VENV)/installed

$(VENV)/installed-extras: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --editable '.[dev,notebooks,launchers,optuna,wandb,mlflow]' --constraint constraints.txt
	touch $@
