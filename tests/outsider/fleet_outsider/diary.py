"""An observer: writes down what was recorded, a line for each event, in the project's directory."""

from collections.abc import Sequence

from fleet_core.api import Fleet, Recorded, hookimpl


@hookimpl
def fleet_events_recorded(fleet: Fleet, events: Sequence[Recorded]) -> None:
    """Write down the events' types."""
    with (fleet.project.directory / "diary.txt").open("a") as diary:
        diary.writelines(f"{event.type}\n" for event in events)
