"""The conformance kits, for whoever builds a store, a codec or a service provider: inherit a class, give one
thing, run pytest.

    from fleet_core.testing import StoreConformance, opening

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def open_store(self, tmp_path):
            return opening("my_package.plugin", tmp_path)

Needs the extra `fleettools[testing]`.
"""

import pytest

# Before they are imported: a kit's failing assertion must show what it compared.
pytest.register_assert_rewrite(
    "fleet_core.testing.codecs",
    "fleet_core.testing.models",
    "fleet_core.testing.service_kit",
    "fleet_core.testing.store_kit",
)

from fleet_core.testing.codecs import CodecConformance, JsonCodec  # noqa: E402
from fleet_core.testing.services import MakeProvider, Probe, ProviderConformance, providing  # noqa: E402
from fleet_core.testing.stores import OpenStore, StoreConformance, opening  # noqa: E402

__all__ = [
    "CodecConformance",
    "JsonCodec",
    "MakeProvider",
    "OpenStore",
    "Probe",
    "ProviderConformance",
    "StoreConformance",
    "opening",
    "providing",
]
