# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# CI sets this to skip nothing; a person may narrow the run, e.g. make test ARGS="tests/space -x".
ARGS ?=

.PHONY: demo test slow soak gpu check clean

demo: $(VENV)/.demo
	$(BIN)/autopeft search --budget 1%

test: $(VENV)/.dev
	$(BIN)/pytest $(ARGS)

slow: $(VENV)/.dev
	$(BIN)/pytest -m slow $(ARGS)

# What takes hours, by hand: studies/soak/README.md says what, and its record is there.
soak: $(VENV)/.dev
	$(BIN)/python -m tests.bad_input.fuzz --record studies/soak/inputs.json
	$(BIN)/python -m tests.faults.soak --record studies/soak/trials.json
	$(BIN)/python -m tests.faults.kills --record studies/soak/kills.jsonl
	$(BIN)/python -m studies.soak.show

# Where CUDA is, with what PYTHON has, in no environment of its own; studies/hardware/README.md says what, and keeps it.
gpu:
	$(PYTHON) -m pytest tests/gpu -m gpu -o addopts= --strict-markers --confcutdir tests/gpu -ra \
	  --record studies/hardware $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo,dev]'
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
