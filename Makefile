# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# CI sets this to skip nothing; a person may narrow the run, e.g. make test ARGS="tests/space -x".
ARGS ?=

.PHONY: demo test slow soak gpu check docs release clean

demo: $(VENV)/.demo
	$(BIN)/autopeft search --budget 1%

test: $(VENV)/.dev
	$(BIN)/pytest $(ARGS)

# In order: xdist would leave the files of one test, among which are the longest, to the end.
slow: $(VENV)/.dev
	$(BIN)/pytest -m slow --no-loadscope-reorder $(ARGS)

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

# The site of docs/, into build/site: strict, and without the network.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

# A version is a tag such as v0.1.0; anything else has a `+` in its name, and no index takes it.
release: $(VENV)/.release
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/twine check --strict dist/*
	@if ls dist | grep -q '+'; then echo "this is no release: tag the commit first, and leave nothing uncommitted"; \
	else echo "upload by: $(BIN)/twine upload dist/*"; fi

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo,dev]'
	touch $@ $(VENV)/.demo

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

$(VENV)/.release: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[release]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
