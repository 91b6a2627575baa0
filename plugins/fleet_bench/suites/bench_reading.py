"""One reader."""

import pytest

from fleet_bench.arena import Match, Told
from fleet_bench.workloads import reading


@pytest.mark.workloads(reading.WORKLOADS)
def test_reading(told: Told, match: Match) -> None:
    """What a long history costs to read."""
    told(match)
