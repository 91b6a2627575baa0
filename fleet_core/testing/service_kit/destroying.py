"""Destroy: all that belongs to the service is named before, removed, and gone; a new start begins anew."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from fleet_core.errors import NotFound
from fleet_core.testing.service_kit.base import (
    Probe,
    ProviderKit,
    keep,
    kept_by,
    left_of,
    on_trial,
    patiently,
    quiet,
)


class Destruction(NamedTuple):
    """A service that was destroyed while it ran, and what was said of it before."""

    service: Probe
    url: str
    remains: list[str]
    belongings: list[str]
    removed: list[str]


class DestroyingKit:
    """`destroy` and `belongings`."""

    @pytest.fixture(scope="class")
    @classmethod
    def destroyed(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Destruction]:
        """A service that is there no more."""
        assert issubclass(cls, ProviderKit)
        for service in on_trial(cls, tmp_path_factory, "gone"):
            service.make().up(quiet)
            keep(service, "before destroy")
            url, remains, belongings = service.make().url(), service.remains(), service.make().belongings()
            yield Destruction(service, url, remains, belongings, service.make().destroy())

    @pytest.fixture(scope="class")
    @classmethod
    def unborn(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
        """A service that was never started."""
        assert issubclass(cls, ProviderKit)
        yield from on_trial(cls, tmp_path_factory, "unborn")

    @pytest.fixture(params=["never started", "destroyed"])
    def absent(self, request: pytest.FixtureRequest, unborn: Probe, destroyed: Destruction) -> Probe:
        """A service of which nothing exists; no test on it may start it."""
        return unborn if request.param == "never started" else destroyed.service

    def test_destroy_leaves_nothing_running(self, destroyed: Destruction) -> None:
        assert destroyed.service.running() == []

    def test_destroy_leaves_nothing_on_this_machine(self, destroyed: Destruction) -> None:
        assert destroyed.remains != []
        assert left_of(destroyed.service) == []

    def test_nothing_belongs_to_a_service_that_was_destroyed(self, destroyed: Destruction) -> None:
        assert destroyed.service.make().belongings() == []

    def test_belongings_name_everything_that_lasts(self, destroyed: Destruction) -> None:
        assert [name for name in destroyed.remains if name not in "\n".join(destroyed.belongings)] == []

    def test_destroy_says_that_it_removed_the_belongings(self, destroyed: Destruction) -> None:
        assert sorted(destroyed.removed) == sorted(destroyed.belongings) != []

    def test_asking_for_belongings_removes_nothing(self, stopped: Probe) -> None:
        before = stopped.remains()
        assert stopped.make().belongings() == stopped.make().belongings() != []
        assert stopped.remains() == before

    def test_destroy_of_an_absent_service_removes_nothing(self, absent: Probe) -> None:
        assert absent.make().destroy() == []
        assert left_of(absent) == absent.running() == []

    def test_the_url_of_an_absent_service_is_not_found(self, absent: Probe) -> None:
        with pytest.raises(NotFound):
            absent.make().url()

    def test_a_crashed_service_is_destroyed_and_begins_anew(self, ready: Probe) -> None:
        keep(ready, "of the old one")
        ready.crash()
        patiently(ready.make().destroy)
        assert left_of(ready) == ready.running() == []
        ready.make().up(quiet)
        assert kept_by(ready) == []
