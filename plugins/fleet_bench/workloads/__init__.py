"""What is measured: the work of a coordinator, a round of it at a time."""

from typing import Final

from fleet_bench.workloads import appending, crowds, reading
from fleet_bench.workloads.workload import Workload

WORKLOADS: Final[list[Workload]] = [*appending.WORKLOADS, *crowds.WORKLOADS, *reading.WORKLOADS]
"""All of them, in the order in which they are measured."""
