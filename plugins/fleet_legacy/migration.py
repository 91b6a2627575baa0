"""Recording what a FleetTools file holds: all that is new of it in one append, or nothing."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from fleet_core.api import (
    EventCodec,
    IdReused,
    Invalid,
    NewEvent,
    Query,
    Recorded,
    Stream,
    Unavailable,
    as_datetime,
)
from fleet_legacy.events import FleetDetected
from fleet_legacy.findings import Fault, Oddity, json_path, refusal
from fleet_legacy.plan import Plan, as_batches
from fleet_legacy.planned import Planned, derived_id
from fleet_legacy.source import Source

if TYPE_CHECKING:
    from fleet_core.api import Fleet

CHUNK: Final = 500
"""Ids looked up in one query."""

ATTEMPTS: Final = 3
"""How often a migration looks again when another one records the same events meanwhile."""


class Count(msgspec.Struct, frozen=True):
    """What became of the rows of one kind. One that the file repeats is already there."""

    kind: str
    in_file: int
    imported: int
    already_there: int


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """What a migration did, or, when `dry_run`, would do.

    `imported` counts the rows that were new, `links` the causes that events name, `links_resolved` those that
    lead to events of the file. `position` is that of the last event recorded; None when none was.
    """

    source: str
    sha256: str
    dry_run: bool
    imported: int
    counts: list[Count]
    links: int
    links_resolved: int
    oddities: list[Oddity]
    position: int | None


def migrate(fleet: "Fleet", plan: Plan, *, dry_run: bool = False) -> Migration:
    """Record what is new of a file, in one append. The same file again changes nothing.

    Raises:
        Invalid: rows of the file can't be kept, or differ from what is recorded of them.
        Unavailable: others kept recording parts of the same file.
    """
    for _ in range(ATTEMPTS):
        new = _without_recorded(fleet, plan)
        if dry_run or not new:
            _check_fit(new, plan.source, fleet.codec)
            return _report(plan, new, dry_run, None)
        try:
            appended = fleet.append(*as_batches([_detection(fleet, plan.source, new), *new]))
        except IdReused:
            continue
        except Invalid:
            _check_fit(new, plan.source, fleet.codec)
            raise
        if not appended.replayed:
            return _report(plan, new, dry_run, appended.last)
    raise Unavailable(
        f"others kept recording parts of {plan.source.path}", remedy="run this again when they have finished"
    )


def _without_recorded(fleet: "Fleet", plan: Plan) -> list[Planned]:
    """The events that the log does not hold yet.

    Raises:
        Invalid: it holds something else under the id of an event of the file.
    """
    if fleet.store.head() == 0:
        return plan.events
    by_id = {str(each.event.id): each for each in plan.events}
    recorded: set[str] = set()
    faults: list[Fault] = []
    for event in _recorded(fleet, list(by_id)):
        recorded.add(event.id)
        difference = _difference(by_id[event.id], event)
        if difference:
            reason = f"has another {difference} than the event recorded at position {event.position}"
            faults.append(Fault(json_path(by_id[event.id].steps), reason))
    if faults:
        raise refusal(str(plan.source.path), faults)
    return [each for event_id, each in by_id.items() if event_id not in recorded]


def _recorded(fleet: "Fleet", ids: list[str]) -> Iterable[Recorded]:
    for start in range(0, len(ids), CHUNK):
        yield from fleet.store.read(Query.of(ids=tuple(ids[start : start + CHUNK])))


def _difference(planned: Planned, event: Recorded) -> str:
    """What a file says otherwise than the log; nothing when they agree.

    The correlation is not of the file: it was derived from what the file held when it was migrated.
    """
    new = planned.event
    if (event.stream_type, event.stream_id) != planned.stream:
        return "mailbox"
    if event.type != (new.type or type(new.data).type_name):
        return "type"
    if new.type is not None and event.plain != new.data:
        return "data"
    if event.causation_id != new.causation_id:
        return "cause"
    if new.occurred_at is not None and event.occurred_us != new.occurred_at:
        return "time"
    return "" if event.metadata == (new.metadata or {}) else "metadata"


def _check_fit(events: Iterable[Planned], source: Source, codec: EventCodec) -> None:
    """Have the codec say of each event whether it can be recorded: its refusal names the row of the file."""
    faults = []
    for each in events:
        try:
            codec.prepare(each.event)
        except Invalid as error:
            faults.append(Fault(json_path(each.steps) + error.path.removeprefix("$"), error.message))
    if faults:
        raise refusal(str(source.path), faults)


def _detection(fleet: "Fleet", source: Source, new: list[Planned]) -> Planned:
    """The event that tells of the import. It causes nothing: what the file tells had its own causes."""
    root = str(fleet.project.root)
    project_hash = hashlib.sha256(root.encode()).hexdigest()[:12]
    event = NewEvent(
        data=FleetDetected(
            project_path=root,
            project_hash=project_hash,
            detected_at=as_datetime(fleet.clock()),
            existing_data=True,
            migration_required=True,
        ),
        id=derived_id(FleetDetected.type_name, root, source.sha256, str(new[0].event.id)),
        metadata={"source": source.path.name, "sha256": source.sha256},
    )
    return Planned("detection", (), Stream("fleet", project_hash), event)


def _report(plan: Plan, new: list[Planned], dry_run: bool, position: int | None) -> Migration:
    imported = Counter(each.kind for each in new)
    events = {str(each.event.id) for each in plan.events}
    causes = [each.event.causation_id for each in plan.events if each.event.causation_id is not None]
    return Migration(
        source=str(plan.source.path),
        sha256=plan.source.sha256,
        dry_run=dry_run,
        imported=len(new),
        counts=[
            Count(kind, in_file, imported[kind], in_file - imported[kind])
            for kind, in_file in plan.in_file.items()
        ],
        links=len(causes),
        links_resolved=sum(cause in events for cause in causes),
        oddities=plan.oddities,
        position=position,
    )
