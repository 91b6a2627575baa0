"""Random lives of three specialists who reserve, renew, release, pause and come back, against the rules said
a second time; and that the judge of the log agrees.

FLEET_RESERVATION_MODEL says how many programs to run in memory; a fifth as many run on SQLite.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from fleet_core.api import Fleet
from fleets import TestClock, opened, unlike
from lease_history import overlapping_holders
from reservation_model import STEPS, Model, Real, Step

EXAMPLES = int(os.environ.get("FLEET_RESERVATION_MODEL", "60"))

many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
)


def check(real: Real, program: list[Step]) -> None:
    model = Model()
    for step in program:
        assert (real.do(step), real.listed()) == (model.do(step), model.listed()), step
    assert overlapping_holders(real.fleet) == []
    assert not unlike(real.fleet)


@many
@given(program=STEPS)
def test_reservations_are_what_the_rules_say_in_memory(tmp_path: Path, program: list[Step]) -> None:
    clock = TestClock()
    with opened(tmp_path, "memory", clock) as fleet:
        check(Real(fleet, clock), program)


class Worlds:
    """Worlds one after another in a store that is slow to open: each begins when all leases are over."""

    def __init__(self, fleet: Fleet, clock: TestClock) -> None:
        self._fleet, self._clock, self._numbers = fleet, clock, count()

    def another(self) -> Real:
        """A world whose people nobody has heard of."""
        for _ in range(2):  # what expires is barred for a while
            self._clock.advance(1000)
            Real(self._fleet, self._clock, f"-{next(self._numbers)}")
        self._clock.advance(1000)
        return Real(self._fleet, self._clock, f"-{next(self._numbers)}")


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Worlds]:
    clock = TestClock()
    with opened(tmp_path, "sqlite", clock, plugins={"sqlite": {"unsafe_synchronous": "off"}}) as fleet:
        yield Worlds(fleet, clock)


@settings(many, max_examples=max(1, EXAMPLES // 5))
@given(program=STEPS)
def test_reservations_are_what_the_rules_say_on_sqlite(worlds: Worlds, program: list[Step]) -> None:
    check(worlds.another(), program)
