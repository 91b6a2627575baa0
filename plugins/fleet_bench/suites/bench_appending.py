"""One writer."""

import pytest

from fleet_bench.arena import Match, Told
from fleet_bench.workloads import appending


@pytest.mark.workloads(appending.WORKLOADS)
def test_appending(told: Told, match: Match) -> None:
    """Appends are as durable as the contestant makes them before the next begins."""
    told(match)
