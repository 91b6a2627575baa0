"""The outsider's health check."""

from collections.abc import Iterator

from fleet_core.api import CheckResult, Fleet

from .notes import NOTES


def check(fleet: Fleet) -> Iterator[CheckResult]:
    """Look for notes."""
    count = len(fleet.view(NOTES).select().items)
    yield CheckResult(name="outsider notes", status="ok", detail=f"{count} notes")
