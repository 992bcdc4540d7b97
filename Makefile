# The project's commands. `make run` and `make test` are all a newcomer needs; they install first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM := false
export HF_HUB_OFFLINE := 1

.PHONY: run test browser check slow bench site house nano nano2 smol install clean

run: install  ## train, evaluate and record PCGrad on the embedded suite, into runs/
	$(BIN)/bench run method=pcgrad store=runs

test: install browser  ## the whole test suite, on two cores
	$(BIN)/pytest -n 2 --dist loadfile

browser:  ## Chromium for the tests that read the site, where apt can install it
	@command -v chromium > /dev/null || { test "$$(id -u)" = 0 && apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium; } || echo "no Chromium here: the browser tests are skipped"

check: install  ## what CI checks beside the tests: format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest tests/test_architecture.py

slow: install  ## proofs that take minutes
	$(BIN)/pytest -n 2 --dist load -m slow --override-ini addopts="--import-mode=importlib -q --strict-markers"

bench: install  ## benchmarks: they measure, they never fail
	$(BIN)/pytest tests/benchmarks -s --override-ini python_files="bench_*.py" --benchmark-columns=min,median,iqr,rounds

house: install  ## the table of rooms in docs/architecture.md, and its picture, from tests/house.py
	$(BIN)/python -m tests.house

site: install  ## the leaderboard, from results/ into site/
	$(BIN)/bench site

nano: install  ## make the base model of nano-v1 again (about 25 minutes)
	PYTHONPATH=. $(BIN)/python assets/make_nano.py

nano2: install  ## make the base model of the suites since nano-v1 again (about half an hour)
	PYTHONPATH=. $(BIN)/python assets/make_nano2.py

smol: install  ## make the adapter of smol again (two minutes of a GPU, hours of a processor core)
	$(BIN)/bench fetch smollm2
	PYTHONPATH=. $(BIN)/python assets/make_smol.py

install: $(VENV)/installed

# torch first and by exact version: an unpinned torch may pull gigabytes of accelerator packages.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[train,peers,smol,cluster,dev]"
	touch $@

clean:
	rm -rf $(VENV) runs site .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache
