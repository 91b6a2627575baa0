"""Leases: who holds what, until when, under which fencing token."""
