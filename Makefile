# The commands of this project. `make help` lists them.
# Only the result of a command goes to standard output; everything about setting up goes to standard error.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
UV := uv==0.13.9
SLOW := slow or browser or full

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test slow lint bench lock

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s  %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(READY)  ## train on 5,000 digits; ARGS="model.kernel_size=5" changes the experiment
	@$(BIN)/cnnexp train $(ARGS)

test: $(READY)  ## the fast ring of tests, a good minute
	@$(BIN)/pytest -n auto --dist loadfile -m "not ($(SLOW))" $(ARGS)

slow: $(READY)  ## the slower rings; the 70,000 digits too where CNNEXP_MNIST_DIR names their folder
	@$(BIN)/pytest -n 2 -m "($(SLOW))$(if $(CNNEXP_MNIST_DIR),, and not full)" $(ARGS)

lint: $(READY)  ## format, style and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict cnnexp

bench: $(READY)  ## what we claim about speed, measured here
	@$(BIN)/python -m benchmarks $(ARGS)

lock:  ## write requirements.lock anew from pyproject.toml; ARGS=--upgrade for newer versions
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder" && "$$folder/bin/python" -m pip --disable-pip-version-check -qq install "$(UV)" && \
	"$$folder/bin/uv" --quiet pip compile pyproject.toml --all-extras --group build --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" --output-file requirements.lock $(ARGS) >&2

# A new lock makes a new environment; a new pyproject.toml only installs the project again.
$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; (3, 11) <= sys.version_info < (3, 14) or sys.exit("cnnexp needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is " + v + ". Name another one: make PYTHON=python3.12 ...")'
	@echo "Installing the locked packages into $(VENV): once, a few minutes." >&2
	@$(PYTHON) -m venv --clear $(VENV) >&2
	@$(PIP) install --require-hashes --requirement requirements.lock >&2
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable . >&2
	@touch $@
