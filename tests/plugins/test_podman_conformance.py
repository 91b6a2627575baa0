"""PostgreSQL in Podman is what the kit for service providers asks for."""

import pytest

from fleet_core.testing.services import ProviderConformance
from podman_probe import PodmanProbe


@pytest.mark.usefixtures("podman_machine")
@pytest.mark.xdist_group("podman-conformance")
class TestPodmanProvider(ProviderConformance):
    probe = PodmanProbe
