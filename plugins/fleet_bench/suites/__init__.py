"""The suites of pytest-benchmark, which `fleet bench` runs."""
