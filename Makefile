# Every target makes what it needs; the first two are the first two commands of README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-netem check format bench wheel hooks clean
.DEFAULT_GOAL := demo

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/feasible examples/sd_text_encoder.onnx --device m1 --rtt 150ms

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py tests/test_docs.py tests/test_operators_table.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Build the wheel and use all of it from a clean environment and another folder.
wheel: $(VENV)/.dev
	$(BIN)/python -m tools.try_wheel

# Try the hooks as users get them: installed anew, from this checkout, into a folder that goes.
hooks: $(VENV)/.dev
	PRE_COMMIT_HOME="$$(mktemp -d)" && export PRE_COMMIT_HOME && trap 'rm -rf "$$PRE_COMMIT_HOME"' EXIT && \
	$(BIN)/pre-commit try-repo . feasible-profiles --files hardware_profiles/m1.yaml

bench: $(VENV)/.dev
	$(BIN)/python tools/bench.py
	$(BIN)/python tools/bench_nodes.py

# Real transfers beside the formula: as root, on Linux with iproute2 and openssl.
test-netem: $(VENV)/.dev
	$(BIN)/python -m tools.shaped_transfers

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache
