# Each target does everything on a fresh machine: it makes the virtual environment first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-bench
TORCH := "torch>=2.14" "torchvision>=0.29"

.PHONY: setup tour test test-all check bench weights

setup: $(VENV)/.ready

# uv knows where PyTorch keeps builds without CUDA and takes one where there is no GPU: 4 GB less. Where that place cannot be
# reached, pip takes the build of the package index.
$(VENV)/.ready: pyproject.toml
	@echo "1/3 A virtual environment in $(VENV) (some seconds)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip uv
	@echo "2/3 PyTorch (1 GB, or 5 GB with CUDA: a minute or several)"
	@UV_HTTP_RETRIES=1 $(BIN)/uv pip install --python $(BIN)/python --torch-backend=auto $(TORCH) 2>/dev/null \
		|| { echo "    PyTorch's own index cannot be reached: the package index's build, which carries CUDA, is taken."; \
		echo "    (Where there is a mirror of the former: make setup TORCH_INDEX=ADDRESS)"; \
		$(BIN)/python -m pip install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH); }
	@echo "3/3 potmeter and what its extras need (about a minute)"
	$(BIN)/python -m pip install -e ".[all]"
	touch $@

# What tests need besides.
$(VENV)/.ready-to-test: $(VENV)/.ready
	@echo "What the tests need (half a minute)"
	$(BIN)/python -m pip install -e ".[dev]"
	touch $@

tour: setup
	-$(BIN)/potmeter fetch mnist fashion mobilenet
	$(BIN)/potmeter tour --out tour-out
	@echo
	@echo "The tour's page: tour-out/index.html"
	@echo "To have potmeter on the PATH of this shell: source $(BIN)/activate"

test: $(VENV)/.ready-to-test
	$(BIN)/python -m pytest -n auto --dist loadgroup -m "not slow"

# Those that take longer than ten seconds too, some of which fetch data.
test-all: $(VENV)/.ready-to-test
	$(BIN)/python -m pytest -n auto --dist loadgroup

check: $(VENV)/.ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The benchmarks' peers have an environment of their own: some pull in old packages.
bench: $(PEERS)/.ready
	$(PEERS)/bin/potmeter bench --all

$(PEERS)/.ready: pyproject.toml
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade pip
	$(PEERS)/bin/python -m pip install --quiet -e ".[bench]"
	touch $@

weights: setup
	$(BIN)/python tools/ship.py
