# `make` lists the targets. Everything runs in .venv, which the first target that needs it sets up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help train evaluate test test-browser check notebooks bench card encoder lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The versions of requirements.lock, hashes checked; then the package itself, as it lies here. Its wheel carries the
# model, whose folder must be there, if only empty.
$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	mkdir -p models/le-touquet
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)

train: $(READY) ## set up, train models/le-touquet on the shipped statements, print the scores
	$(BIN)/stance train data --config train.toml --output models/le-touquet

evaluate: $(READY) ## score on real positions that the model did not see; reports/ gets tables and pictures
	$(BIN)/stance evaluate data --cross-validate --config train.toml --output reports

test: $(READY) ## run the tests, with branch coverage
	$(BIN)/python -m pytest --cov --cov-fail-under=90

# Playwright is 165 MB: only those who run this target get it.
test-browser: $(READY) ## try the page of a read article in Chromium (Debian: apt-get install chromium)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/browser/requirements.txt
	STANCE_REQUIRE_BROWSER=1 $(BIN)/python -m pytest tests/browser

check: $(READY) ## what CI runs: format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

notebooks: $(READY) ## run the notebooks from top to bottom
	$(BIN)/python -m pytest tests/test_notebooks.py

bench: $(READY) ## measure speed and memory against their marks
	$(BIN)/python benchmarks/speed.py

card: $(READY) ## measure anew what data/README.md says of the statements
	$(BIN)/python benchmarks/corpus.py

# Torch and the public corpora are needed for this only: see training/README.md.
encoder: ## train the stance encoder anew, in two hours: make encoder BENCH=FOLDER
	$(PYTHON) -m venv build/encoder-env
	build/encoder-env/bin/pip install --quiet -r training/requirements.txt -e .
	build/encoder-env/bin/python training/encoder.py --bench $(BENCH) --work build/encoder --output models/encoder

# Extras stay in the pins: pip takes "coverage[toml]" that is pinned as "coverage" for a package without a pin.
lock: $(READY) ## pin the newest versions that fit pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --upgrade \
		--no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml \
		-o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header -c requirements.lock tests/browser/requirements.in -o tests/browser/requirements.txt

clean: ## remove what can be made again, the trained model excepted
	rm -rf $(VENV) build dist reports .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
