"""The parts of the store conformance kit, one file for each subject, put together in `testing.stores`."""
