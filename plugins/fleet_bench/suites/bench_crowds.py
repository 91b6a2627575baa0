"""Many at once."""

import pytest

from fleet_bench.arena import Match, Told
from fleet_bench.workloads import crowds


@pytest.mark.workloads(crowds.WORKLOADS)
def test_crowds(told: Told, match: Match) -> None:
    """Threads and processes that append and read at the same time."""
    told(match)
