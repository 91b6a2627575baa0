"""The suites that `fleet bench` runs, here under the project's own settings of pytest."""

from fleet_bench.suites.bench_appending import test_appending
from fleet_bench.suites.bench_crowds import test_crowds
from fleet_bench.suites.bench_reading import test_reading

__all__ = ["test_appending", "test_crowds", "test_reading"]
