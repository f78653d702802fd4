# The two commands: `make demo` and `make test`. Each sets up what it needs, once, in .venv.
#
#   make demo               learn the gates of a synthetic recording; results in ./pyhodgkin-demo
#   make test               the tests
#   make TORCH=cuda demo    with the CUDA build of torch
#   make PYTHON=python3.12 VENV=/elsewhere demo
#   make lint | docs | clean

PYTHON ?= python3
VENV ?= .venv
TORCH ?= cpu
BIN = $(VENV)/bin

.PHONY: demo test lint docs clean help

help:
	@sed -n 's/^#   /  /p' Makefile

demo:
	@$(PYTHON) tools/environment.py "$(VENV)" run "$(TORCH)"
	$(BIN)/pyhodgkin demo

test:
	@$(PYTHON) tools/environment.py "$(VENV)" test "$(TORCH)"
	$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST)

lint:
	@$(PYTHON) tools/environment.py "$(VENV)" test "$(TORCH)"
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/pyright

docs:
	@$(PYTHON) tools/environment.py "$(VENV)" test "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[docs]"
	$(BIN)/mkdocs build --strict --site-dir build/site
	$(BIN)/python tools/check_links.py build/site

clean:
	rm -rf "$(VENV)" build
