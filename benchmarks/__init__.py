"""How fast the stores are, beside the bare driver (the limit) and PyPI `eventsourcing` (the peer).

`pytest benchmarks/` runs the suites of `fleet bench` and gives pytest-benchmark's tables; `python -m
benchmarks.ratios` (which is `make bench`) judges ratios against what fleet demands of itself.
"""
