# Everything a newcomer types. Needs Python 3.11 or newer, git and make; uv is used where it is present.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR := $(CURDIR)/data/dagster
HOST ?= 127.0.0.1
PORT ?= 3000
DESK_PORT ?= 8050
TEST_PROCESSES ?= 2

# Whole files are handed out, so that what a file's tests share is made once; in their order, so that the slow ones
# do not come last. Each process has a core: threads of OpenBLAS that wait for one another would take it from the other.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo dev desk test test-fast lint format lock latency clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# --no-deps: the lock names everything, and the dlib-bin wheel stands in for dlib, which would compile.
define install_lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: name one with make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $(1) && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
		echo "Installing from $(1) with pip; a few minutes, most of them for the 100 MB of face_recognition_models." && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(1) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $(2)
endef

$(VENV)/.installed: requirements.lock pyproject.toml
	$(call install_lock,requirements.lock,$@)

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml
	$(call install_lock,requirements-dev.lock,$@)
	@touch $(VENV)/.installed

install: $(VENV)/.installed  ## Create .venv and install from the lock

install-dev: $(VENV)/.installed-dev  ## The same with what tests and checks need

demo: install  ## Seed a small working day, run it through Dagster and compare with the plan
	@$(BIN)/biosense demo

dev: install  ## Open the Dagster UI on 127.0.0.1:3000 with the sensors running (PORT=... for another)
	@$(BIN)/biosense db upgrade
	@test -n "$$DAGSTER_HOME" || { mkdir -p $(HOME_DIR) && cp dagster.yaml $(HOME_DIR)/; }
	@DAGSTER_HOME=$${DAGSTER_HOME:-$(HOME_DIR)} exec $(BIN)/dagster dev -w workspace.yaml -h $(HOST) -p $(PORT)

desk: install  ## Open the supervisors' desk on 127.0.0.1:8050 (DESK_PORT=... for another)
	@$(BIN)/biosense db upgrade
	@exec $(BIN)/biosense desk --host $(HOST) --port $(DESK_PORT)

test: install-dev  ## Run all tests, in two processes (TEST_PROCESSES=... for another number)
	@$(PYTEST)

test-fast: install-dev  ## Run the tests that take seconds
	@$(PYTEST) -m "not slow"

lint: install-dev  ## Ruff, mypy and the floors of the architecture
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: install-dev  ## Let ruff write the code's layout
	@$(BIN)/ruff check --fix-only . && $(BIN)/ruff format .

latency: install  ## Measure the time from a new still to its result, with make dev's processes on MariaDB
	@$(BIN)/biosense evaluate latency

lock:  ## Resolve the lock files anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--override requirements/overrides.txt pyproject.toml requirements/wheels.in -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--override requirements/overrides.txt --extra dev -c requirements.lock pyproject.toml requirements/wheels.in -o requirements-dev.lock

clean:  ## Remove .venv and the embedded database
	rm -rf $(VENV) data
