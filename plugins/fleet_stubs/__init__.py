"""Stubs: the FleetTools event types of families that no plugin of fleet works with yet."""
