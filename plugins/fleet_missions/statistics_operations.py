"""Figures of missions, as an operation. Apart from the others, since it alone needs other plugins' events."""

from functools import partial

from fleet_core.api import AsOf, Fleet, Read
from fleet_leases.api import LeaseGranted
from fleet_missions.ids import MissionId
from fleet_missions.mission_operations import MissionShow, mission_show
from fleet_missions.sortie_state import SORTIES
from fleet_missions.statistics import MissionFigures, events_of, figures


class MissionStats(Read, frozen=True, kw_only=True):
    """Which mission's figures."""

    mission: MissionId


def mission_stats(fleet: Fleet, request: MissionStats) -> MissionFigures:
    """Show the figures of a mission: claims, conflicts, refused writes, strikes, and how long things took.

    Example: fleet mission stats oauth --as-of 2h
    """
    point = AsOf(fleet.store.head()) if request.as_of is None else fleet.moment(request.as_of)
    mission = mission_show(fleet, MissionShow(mission=request.mission, as_of=request.as_of))
    rows = fleet.view(SORTIES, request.as_of).select({"mission_id": request.mission}).items
    sorties = [sortie.sortie_id for sortie in rows]
    events = fleet.store.read(point.narrow(events_of(request.mission, sorties)), before=point.before)
    until = fleet.clock() if request.as_of is None else _time_of(fleet, point)
    return figures(mission, sorties, events, grants=partial(_granted, fleet), until=until)


def _time_of(fleet: Fleet, point: AsOf) -> int:
    """When that was: of a position, when its event occurred."""
    if point.time is not None:
        return point.time
    last = next(fleet.store.read(before=point.before, backwards=True, limit=1), None)
    return fleet.clock() if last is None else last.occurred_us


def _granted(fleet: Fleet, token: int) -> LeaseGranted | None:
    event = next(fleet.store.read(after=token - 1, before=token + 1), None)
    known = None if event is None else event.known
    return known if isinstance(known, LeaseGranted) else None
