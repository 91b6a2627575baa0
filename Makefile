# What the README and CONTRIBUTING say, by name. Everything runs in .venv.
PYTHON ?= python3

.PHONY: setup test lint bench torture docs clean

setup:
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q -c constraints.txt -e '.[dev]'

test:
	.venv/bin/pytest -n 2

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# Ratios against the demands, and the chart in docs/explanation; `.venv/bin/pytest benchmarks` for plain tables.
bench:
	.venv/bin/python -m benchmarks.ratios

# The crash and concurrency tests, over and over.
torture:
	for round in 1 2 3 4 5; do .venv/bin/pytest -q tests/story || exit 1; done

docs:
	.venv/bin/python docs/generate.py

clean:
	rm -rf dist build .benchmarks .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov .coverage*
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
