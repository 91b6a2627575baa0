"""The parts of the store conformance kit, one file for each subject. `fleet_core.testing.stores` puts them together."""
