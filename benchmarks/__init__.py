"""How fast the stores are, beside the bare driver (the limit) and PyPI `eventsourcing` (the peer).

`pytest benchmarks/` gives pytest-benchmark's tables for every installed store; `python -m benchmarks.ratios`
(which is `make bench`) compares in interleaved rounds and judges the ratios against what fleet demands.
"""
