# Two commands for a fresh machine: `make demo` and `make test`. Each builds the virtual environment if it is
# missing or older than pyproject.toml. Needed beforehand: Python 3.11 with venv, a C compiler, make.

VENV ?= .venv
PYTHON ?= python3.11 python3
INSTALLED := $(VENV)/.installed

.PHONY: help demo test lint docs clean

help:
	@echo "make demo   simulate, fit, train and draw; ends with the path of a page (at most 3 minutes)"
	@echo "make test   run the tests"
	@echo "make lint   check style and types"
	@echo "make docs   build the documentation; ends with the path of its first page"
	@echo "make clean  delete .venv, demo/ and caches; runs/ stays"

demo: $(INSTALLED)
	@$(VENV)/bin/astromorph demo

test: $(INSTALLED)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# Warnings are errors, and no network is needed. Tutorials run again when they or the packages have changed.
docs: $(INSTALLED)
	@rm -rf docs/_build/html
	$(VENV)/bin/python -m sphinx -q -W --keep-going -d docs/_build/doctrees -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# The first of $(PYTHON) that runs and is 3.11 makes the environment; the stamp comes last, so a broken-off
# installation is taken up again.
$(INSTALLED): pyproject.toml
	@python=; for candidate in $(PYTHON); do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	    python=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Astromorph needs Python 3.11 and none of these is it: $(PYTHON); install it, or name yours: make demo PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi; \
	if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$python comes without venv; install that part of it (Debian and Ubuntu: python3.11-venv) and run make again" >&2; \
	  exit 1; \
	fi; \
	echo "Installing into $(VENV) (a few minutes, once)"; \
	$$python -m venv "$(VENV)"
	@"$(VENV)/bin/python" -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch "$@"

clean:
	rm -rf .venv demo docs/_build docs/tutorials docs/reference/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find astromorph biophys mapping studies tests -name __pycache__ -type d -prune -exec rm -rf {} +
