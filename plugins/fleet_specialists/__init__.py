"""Specialists: the workers of a fleet, from registration to completion."""
