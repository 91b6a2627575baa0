"""PostgreSQL from programs of this machine is what the kit for service providers asks for."""

from fleet_core.testing.services import ProviderConformance
from local_probe import LocalProbe


class TestLocalPostgresProvider(ProviderConformance):
    probe = LocalProbe
