# Everything a developer does here. Only Python 3.11 or newer and make are needed: what else it takes goes into .venv.

SHELL := /bin/sh
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test check docs schema bench crash simulate memory recipes clean distclean

help:  ## show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## push contacts to a server that misbehaves, be killed in the middle, resume
	@$(BIN)/sinkkit demo

test: $(READY)  ## run the tests (PYTEST_ARGS="-k word -x" chooses among them)
	$(BIN)/python -m pytest -q -n auto $(PYTEST_ARGS)

check: $(READY)  ## lint, types, the import ladder and the other house rules
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/python -m pytest -q tests/house

docs: $(READY)  ## write the tables of the settings' reference from the code
	$(BIN)/python docs/generate_settings.py
	$(BIN)/python docs/generate_rest.py

schema: $(READY)  ## write what a new journal is made with, after a migration was added
	$(BIN)/python tests/journal/write_schema.py

bench: $(READY)  ## measure the parts; asserts nothing
	$(BIN)/python benchmarks/run.py

crash: $(READY)  ## kill real processes 200 times and count what arrived
	$(BIN)/python tests/crash/campaign.py --kills 200

simulate: $(READY)  ## try 10,000 seeds of everything that can go wrong, on a virtual clock (SEED=n: one of them, with all that happened)
	$(BIN)/python tests/simulation/campaign.py $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),10000))

memory: $(READY)  ## run 10 million rows from a generator and print the peak over the import
	$(BIN)/python tests/laws/memory.py --rows 10000000

recipes: $(READY)  ## send 5,000 rows by each recipe through errors and a kill, to a server of its shape (a sample is among the tests)
	RECIPES_IN_FULL=1 $(BIN)/python -m pytest -q tests/recipes $(PYTEST_ARGS)

clean:  ## remove what was built and cached
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	find sinkkit tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## the same, and .venv
	rm -rf .venv

# Made again when pyproject.toml changes. PYTHON=/path/to/python chooses the interpreter.
$(READY): pyproject.toml
	@set -e; \
	if ! test -x $(BIN)/python; then \
	  for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if test -z "$$found"; then \
	    echo "No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; \
	  fi; \
	  echo "Making .venv with $$("$$found" --version) ..."; \
	  "$$found" -m venv .venv || { rm -rf .venv; \
	    echo "'$$found -m venv' does not work here; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	fi; \
	echo "Installing sinkkit and what its development needs into .venv ..."; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'; \
	touch $(READY)
