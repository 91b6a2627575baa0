"""Neighbours and strangers of a similar name: not touched, not counted, not removed."""

from collections.abc import Callable

import pytest

from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.service_kit.base import Probe, ProviderKit, keep, kept_by, quiet


class StrangersKit:
    """Names that begin like those of the service on trial, or end so."""

    def test_two_services_of_one_project_do_not_know_each_other(self, ready: Probe) -> None:
        keep(ready, "the neighbour's")
        service = _shorter_name(ready, type(self))
        try:
            service.make().up(quiet)
            assert kept_by(service) == []
            service.make().down()
            service.make().destroy()
            assert "the neighbour's" in kept_by(ready)
        finally:
            service.clear()

    @needs("strangers")
    def test_a_stranger_is_not_touched(self, service: Probe) -> None:
        provider = service.make()
        steps: dict[str, Callable[[], object]] = {
            "up": lambda: provider.up(quiet),
            "down": provider.down,
            "destroy": provider.destroy,
        }
        with service.stranger() as untouched:
            assert provider.belongings() == []
            for name, step in steps.items():
                said = step()
                assert untouched(), f"{name} touched it, and said: {said}"

    @proves_lack_of("strangers")
    def test_it_lacks_strangers_as_it_says(self, shared: Probe) -> None:
        with pytest.raises(NotImplementedError):
            shared.stranger().__enter__()


def _shorter_name(neighbour: Probe, kit: type) -> Probe:
    """Another service in the same directory, with whose name that of the first begins."""
    assert issubclass(kit, ProviderKit)
    return kit.probe(neighbour.directory, neighbour.service.partition("-")[0])
