"""Leases in random interleavings of pauses, expiries, takeovers and returns; and that the judge sees faults.

FLEET_INTERLEAVINGS says how many programs to run on each store; `make interleavings` runs ten thousand.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from lease_programs import PROGRAMS, Program, Worlds, fresh_world, worlds_in

EXAMPLES = int(os.environ.get("FLEET_INTERLEAVINGS", "100"))

many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
)


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Worlds]:
    with worlds_in(tmp_path) as worlds:
        yield worlds


@many
@given(program=PROGRAMS)
def test_no_interleaving_breaks_a_promise_of_leases_in_memory(tmp_path: Path, program: Program) -> None:
    with fresh_world(tmp_path) as world:
        assert world.run(program) == []


@many
@given(program=PROGRAMS)
def test_no_interleaving_breaks_a_promise_of_leases_on_sqlite(worlds: Worlds, program: Program) -> None:
    assert worlds.another().run(program) == []
