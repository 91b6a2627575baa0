"""The parts of the conformance kit for service providers, put together in `testing.services`."""
