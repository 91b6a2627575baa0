"""What can be done with specialists. Each function is offered under its name in pyproject.toml."""

from typing import Annotated

from msgspec import Meta

from fleet_core.api import Decision, Done, Fleet, NotFound, Page, Read, Stream, Write
from fleet_specialists.events import Activity, SpecialistActive, SpecialistRegistered
from fleet_specialists.state import SPECIALISTS, Specialist, stream

SpecialistId = Annotated[
    str, Meta(description="The specialist's id.", min_length=1, max_length=100, pattern=r"^[^\s/]+$")
]


class Register(Write, frozen=True, kw_only=True):
    """A specialist joins the fleet, or says anew who it is."""

    specialist: SpecialistId
    name: Annotated[str | None, Meta(description="What people call it; its id when left out.")] = None
    capabilities: Annotated[tuple[str, ...], Meta(description="What it can do.")] = ()


class Heartbeat(Write, frozen=True, kw_only=True):
    """A specialist says that it is alive."""

    specialist: SpecialistId
    status: Annotated[Activity, Meta(description="What it is doing.")] = "active"
    current_sortie: Annotated[str | None, Meta(description="The sortie it works on.")] = None


class Show(Read, frozen=True, kw_only=True):
    """Which specialist."""

    specialist: SpecialistId


class ListSpecialists(Read, frozen=True, kw_only=True):
    """Which specialists."""

    status: Annotated[Activity | None, Meta(description="Only those that are doing this.")] = None
    after: Annotated[
        str | None, Meta(description="Go on after this id, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50


def register(fleet: Fleet, request: Register) -> Done[Specialist]:
    """Register a specialist, or change what is known of it.

    Registering again with the same data records nothing new.

    Example: fleet specialist register ada --capabilities python
    """
    wanted = SpecialistRegistered(
        specialist_id=request.specialist,
        name=request.name or request.specialist,
        capabilities=request.capabilities or None,
    )

    def decide(decision: Decision) -> Stream:
        target = stream(request.specialist)
        known = decision.look(SPECIALISTS, target)
        if known is None or (known.name, known.capabilities) != (wanted.name, request.capabilities):
            decision.record(target, wanted, cause=known.last_event if known else None)
        return target

    return fleet.decide(request, SPECIALISTS, decide)


def heartbeat(fleet: Fleet, request: Heartbeat) -> Done[Specialist]:
    """Say that a specialist is alive, and what it is doing.

    Example: fleet specialist heartbeat ada --current-sortie routes
    """

    def decide(decision: Decision) -> Stream:
        target = stream(request.specialist)
        if decision.look(SPECIALISTS, target) is None:
            raise unknown(request.specialist)
        decision.record(
            target,
            SpecialistActive(
                specialist_id=request.specialist, status=request.status, current_sortie=request.current_sortie
            ),
        )
        return target

    return fleet.decide(request, SPECIALISTS, decide)


def show(fleet: Fleet, request: Show) -> Specialist:
    """Show one specialist.

    Example: fleet specialist show ada --as-of 2h
    """
    found = fleet.view(SPECIALISTS, request.as_of).get(request.specialist)
    if found is None:
        raise unknown(request.specialist)
    return found


def list_specialists(fleet: Fleet, request: ListSpecialists) -> Page[Specialist]:
    """List the specialists of the fleet, by id.

    Example: fleet specialist list --status idle
    """
    where = {} if request.status is None else {"status": request.status}
    return fleet.view(SPECIALISTS, request.as_of).select(where, after=request.after, limit=request.limit)


def unknown(specialist_id: str) -> NotFound:
    """What to say of a specialist that nobody registered."""
    return NotFound(
        f"no specialist is registered as {specialist_id!r}",
        remedy=f"see 'fleet specialist list', or run 'fleet specialist register {specialist_id}'",
        specialist=specialist_id,
    )
