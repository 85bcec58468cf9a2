# Each target does everything on a fresh machine: it makes the virtual environment first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-bench
BENCHED := blackbox classifier featurevis vae autoencoder gan stylegan latents attack patch word2vec gpt2 translator

.PHONY: setup tour test check bench weights

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	touch $@

tour: setup
	-$(BIN)/potmeter fetch mnist fashion mobilenet
	$(BIN)/potmeter tour --out tour-out
	@echo "open tour-out/index.html"

test: setup
	$(BIN)/python -m pytest -n auto

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The benchmarks' peers have an environment of their own: some pull in old packages.
bench: $(PEERS)/.ready
	for system in $(BENCHED); do $(PEERS)/bin/potmeter bench $$system || exit 1; done

$(PEERS)/.ready: pyproject.toml
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade pip
	$(PEERS)/bin/python -m pip install --quiet -e ".[bench]"
	touch $@

weights: setup
	$(BIN)/python tools/ship.py
	$(BIN)/python tools/ship_patch.py
	$(BIN)/python tools/ship_latents.py
