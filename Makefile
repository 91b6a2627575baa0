# What the README and CONTRIBUTING say, by name. Everything runs in .venv.
PYTHON ?= python3

.PHONY: setup machine test lint bench coordination torture claims interleavings docs clean

setup:
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q -c constraints.txt -e '.[dev]'

# Podman, PostgreSQL and the images that the tests run; what is there is left alone.
machine:
	tests/machine/prepare

test:
	.venv/bin/pytest -n 3

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# Ratios against the demands, and the chart in docs/explanation; `.venv/bin/pytest benchmarks` for plain tables.
bench:
	.venv/bin/python -m benchmarks.ratios

# What reserve, claim, inbox and ready cost on logs of ten thousand, a hundred thousand and a million events.
coordination:
	.venv/bin/python -m benchmarks.coordination

# The long campaigns: kills by the dozen, crowds, every property of the kit against every broken store, and the
# PostgreSQL store on all of its releases.
STORE = $(filter-out $(wildcard tests/plugins/test_postgres_local*.py),$(wildcard tests/plugins/test_postgres_*.py))
torture:
	FLEET_KILLS=200 .venv/bin/pytest -q tests/plugins/test_sqlite_processes.py
	FLEET_KILLS=50 FLEET_SECONDS=60 .venv/bin/pytest -q -s tests/plugins/test_postgres_torture.py
	WHOLE_KIT=1 .venv/bin/pytest -q tests/kit/test_mutants.py
	for release in 16 17 18; do FLEET_POSTGRES=$$release .venv/bin/pytest -q -n 2 $(STORE) || exit 1; done
	FLEET_PODMAN_KILLS=6 FLEET_MAJORS=all .venv/bin/pytest -q tests/plugins/test_podman_crashes.py tests/plugins/test_podman_provider.py
	FLEET_PATTERNS=100000 .venv/bin/pytest -q tests/plugins/test_ctk_patterns.py

# 16 processes, 500 sorties, 20 rounds, on SQLite and on PostgreSQL: every claim is won once.
claims:
	FLEET_CLAIMS=16x500x20 .venv/bin/pytest -q -s tests/plugins/test_claim_storm.py

# Ten thousand lives of a few specialists, on each of two stores, against the promises of leases.
interleavings:
	FLEET_INTERLEAVINGS=10000 .venv/bin/pytest -q -n 2 tests/plugins/test_lease_interleavings.py

docs:
	.venv/bin/python docs/generate.py

clean:
	rm -rf dist build .benchmarks .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov .coverage*
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
