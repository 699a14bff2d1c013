# Two commands for a fresh machine: `make demo` and `make test`. Each builds the virtual environment if it is
# missing or older than pyproject.toml. Needed beforehand: Python 3.11 or newer with venv, a C compiler, make.

VENV ?= .venv
PYTHON ?= python3.11 python3.12 python3.13 python3.14 python3
INSTALLED := $(VENV)/.installed

.PHONY: help demo test test-pythons lint docs clean

help:
	@echo "make demo          simulate, fit, train and draw; ends with the path of a page (at most 3 minutes)"
	@echo "make test          run the tests"
	@echo "make test-pythons  run the tests of biophys and mapping on every Python that is there, from 3.11 on"
	@echo "make lint          check style and types"
	@echo "make docs          build the documentation; ends with the path of its first page"
	@echo "make clean         delete .venv, .pythons, demo/ and caches; runs/ stays"

demo: $(INSTALLED)
	@$(VENV)/bin/astromorph demo

test: $(INSTALLED)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

# PYTHONS names further interpreters; TORCH=1 installs torch beside them, several GB above Python 3.11
test-pythons: $(INSTALLED)
	@$(VENV)/bin/python tests/pythons.py $(if $(TORCH),--torch) $(PYTHON) $(PYTHONS)

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# Warnings are errors, and no network is needed. Tutorials run again when they or the packages have changed.
docs: $(INSTALLED)
	@rm -rf docs/_build/html
	$(VENV)/bin/python -m sphinx -q -W --keep-going -d docs/_build/doctrees -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# The first of $(PYTHON) that is new enough and has venv makes the environment; the stamp comes last, so a broken-off
# installation is taken up again.
$(INSTALLED): pyproject.toml
	@python=; bare=; for candidate in $(PYTHON); do \
	  $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  if $$candidate -c 'import venv, ensurepip' 2>/dev/null; then python=$$candidate; break; fi; \
	  bare=$${bare:-$$candidate}; \
	done; \
	if [ -z "$$python$$bare" ]; then \
	  echo "Astromorph needs Python 3.11 or newer and none of these is it: $(PYTHON); install one, or name yours: make demo PYTHON=/path/to/python3.13" >&2; \
	  exit 1; \
	fi; \
	if [ -z "$$python" ]; then \
	  package=$$($$bare -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  echo "$$bare comes without venv; install that part of it (Debian and Ubuntu: $$package) and run make again" >&2; \
	  exit 1; \
	fi; \
	echo "Installing into $(VENV) with $$python (a few minutes, once)"; \
	$$python -m venv "$(VENV)"
	@"$(VENV)/bin/python" -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch "$@"

clean:
	rm -rf .venv .pythons demo docs/_build docs/tutorials docs/reference/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find astromorph biophys mapping studies tests -name __pycache__ -type d -prune -exec rm -rf {} +
