"""Processes that start or destroy one service take turns."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_core.api import ServiceFailed
from fleet_podman import turns
from fleet_podman.clock import Clock
from fleet_podman.faults import BUSY, FOLDER_UNUSABLE
from fleet_podman.service import Service
from fleet_podman.settings import settings_of


class FakeTime:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service("postgres", "podman", tmp_path / ".fleet", settings_of("postgres", {}))


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def held(service: Service) -> Iterator[None]:
    """Somebody else has the service to himself."""
    with turns.turn(service, FakeTime().clock, 1, lambda: None):
        yield


@pytest.mark.usefixtures("held")
def test_who_waits_in_vain_is_told_so_when_his_patience_ends(service: Service, time: FakeTime) -> None:
    with pytest.raises(ServiceFailed) as caught, turns.turn(service, time.clock, 30, lambda: None):
        pytest.fail("two have it at once")
    assert caught.value.details["fault"] == BUSY.name
    assert "30 s" in caught.value.message
    assert 30 <= time.now < 31


@pytest.mark.usefixtures("held")
def test_who_has_to_wait_is_told_once(service: Service, time: FakeTime) -> None:
    told: list[str] = []
    with pytest.raises(ServiceFailed), turns.turn(service, time.clock, 30, lambda: told.append("wait")):
        pytest.fail("two have it at once")
    assert told == ["wait"]


def test_the_next_one_has_it_when_the_first_is_done(service: Service, time: FakeTime) -> None:
    for _ in range(2):
        with turns.turn(service, time.clock, 1, lambda: pytest.fail("nobody is in the way")):
            assert time.now == 0


def test_who_waited_while_it_was_destroyed_has_a_lock_that_others_see(service: Service) -> None:
    """The file that he waited for is gone: a lock on it would keep nobody out."""
    time = FakeTime()
    first = turns.turn(service, time.clock, 1, lambda: None)
    first.__enter__()

    def destroy(seconds: float) -> None:
        turns.forget(service)
        first.__exit__(None, None, None)

    with (
        turns.turn(service, Clock(lambda: 0.0, destroy), 1, lambda: None),
        pytest.raises(ServiceFailed),
        turns.turn(service, time.clock, 1, lambda: None),
    ):
        pytest.fail("two have it at once")


def test_a_folder_that_cannot_be_made_is_told(service: Service, time: FakeTime) -> None:
    service.directory.write_text("a file where the folder should be")
    with pytest.raises(ServiceFailed) as caught, turns.turn(service, time.clock, 1, lambda: None):
        pytest.fail("there is no folder")
    assert caught.value.details["fault"] == FOLDER_UNUSABLE.name
    assert str(service.folder) in caught.value.message
