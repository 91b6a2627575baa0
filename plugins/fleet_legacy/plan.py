"""From a FleetTools file to the events to record: a pure function of the file's content."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple

import msgspec

from fleet_core.api import Batch, Stream
from fleet_legacy import locks, squawks
from fleet_legacy.findings import Findings, Oddity, json_path
from fleet_legacy.lineage import trace_roots
from fleet_legacy.planned import KINDS, Planned
from fleet_legacy.rows import objects_of
from fleet_legacy.source import Source
from fleet_legacy.values import kind_of
from fleet_legacy.vocabulary import SQUAWK

PARTS: Final = ("mailboxes", "events", "cursors", "locks")
"""What a FleetTools file holds."""


class Plan(NamedTuple):
    """Everything a file holds, as events in the order in which they are to be recorded.

    `in_file` counts the rows of each kind. `repeated` are events that stand in the file twice, alike in all.
    """

    source: Source
    events: list[Planned]
    in_file: dict[str, int]
    repeated: int
    oddities: list[Oddity]


def make_plan(source: Source) -> Plan:
    """Convert a file.

    Raises:
        Invalid: rows of it can't be kept; `details` lists all faults with their places.
    """
    findings = Findings()
    _check_parts(source.content, findings)
    mailboxes = list(_mailboxes(source.content, findings))
    squawked, repeated = _squawks(source.content, findings)
    cursors = list(_cursors(source.content, findings))
    sequences = [*mailboxes, *squawked, *cursors, *_locks(source.content, findings)]
    findings.refuse(str(source.path))
    events = _with_roots(_merged(sequences), findings)
    counts = Counter(each.kind for each in events)
    counts["events"] += repeated
    return Plan(source, events, {kind: counts[kind] for kind in KINDS}, repeated, findings.oddities)


def as_batches(events: list[Planned]) -> list[Batch]:
    """Events in their order, as one append takes them: a batch for each run of events of one stream."""
    runs = groupby(events, key=lambda each: each.stream)
    return [Batch(stream, [each.event for each in run]) for stream, run in runs]


def _check_parts(content: dict[str, Any], findings: Findings) -> None:
    for key in content.keys() - set(PARTS):
        findings.fault((key,), "is no part of a FleetTools file")


def _mailboxes(content: dict[str, Any], findings: Findings) -> Iterator[list[Planned]]:
    listed = objects_of(content.get("mailboxes"), ("mailboxes",), findings)
    events = content.get("events")
    with_events = events if isinstance(events, dict) else {}
    for key, row in listed.items():
        planned = squawks.mailbox(key, row, key in with_events, findings)
        if planned is not None:
            yield [planned]
    for key in with_events:
        if key not in listed:
            yield [squawks.unlisted_mailbox(key, findings)]


def _squawks(content: dict[str, Any], findings: Findings) -> tuple[list[list[Planned]], int]:
    """The events of each mailbox, and how many are repetitions of earlier ones."""
    seen: dict[str, Planned] = {}
    sequences, repeated = [], 0
    for key, rows in objects_of(content.get("events"), ("events",), findings).items():
        if not isinstance(rows, list):
            findings.fault(("events", key), f"must be an array, got {kind_of(rows)}")
            continue
        stream = Stream(SQUAWK, key)
        planned = [squawks.squawk(stream, index, row, findings) for index, row in enumerate(rows)]
        sequence = [each for each in planned if each is not None and _is_first(each, seen, findings)]
        _note_order(sequence, findings)
        repeated += sum(each is not None for each in planned) - len(sequence)
        sequences.append(sequence)
    return sequences, repeated


def _note_order(sequence: list[Planned], findings: Findings) -> None:
    for above, each in pairwise(sequence):
        if (each.event.occurred_at or 0) < (above.event.occurred_at or 0):
            findings.oddity((*each.steps, "occurred_at"), "event that occurred before the one above it")


def _is_first(event: Planned, seen: dict[str, Planned], findings: Findings) -> bool:
    """Whether an event's id is new. The same event once more is recorded once; another one is a fault."""
    first = seen.setdefault(str(event.event.id), event)
    if first is event:
        return True
    if (first.stream, first.event) == (event.stream, event.event):
        findings.oddity(event.steps, "event that repeats an earlier one and is recorded once")
    else:
        findings.fault((*event.steps, "id"), f"is that of another event, {json_path(first.steps)}")
    return False


def _cursors(content: dict[str, Any], findings: Findings) -> Iterator[list[Planned]]:
    mailboxes, events = content.get("mailboxes"), content.get("events")
    lengths = dict.fromkeys(mailboxes, 0) if isinstance(mailboxes, dict) else {}
    if isinstance(events, dict):
        lengths |= {key: len(rows) for key, rows in events.items() if isinstance(rows, list)}
    for key, row in objects_of(content.get("cursors"), ("cursors",), findings).items():
        planned = squawks.cursor(key, row, lengths, findings)
        if planned is not None:
            yield [planned]


def _locks(content: dict[str, Any], findings: Findings) -> list[list[Planned]]:
    rows = objects_of(content.get("locks"), ("locks",), findings)
    planned = [events for key, row in rows.items() if (events := locks.lock(key, row, findings))]
    released = {events[0].stream.id for events in planned if len(events) > 1}
    locks.note_shared_files([events[0] for events in planned], released, findings)
    return planned


def _merged(sequences: list[list[Planned]]) -> list[Planned]:
    """All sequences as one, by time as far as the order within each, which is the truth, allows."""
    timed: list[tuple[int, Planned]] = []
    for sequence in sequences:
        latest: int | None = None
        for each in sequence:
            occurred_at = each.event.occurred_at or 0
            latest = occurred_at if latest is None else max(latest, occurred_at)
            timed.append((latest, each))
    timed.sort(key=lambda pair: pair[0])
    return [each for _, each in timed]


def _with_roots(events: list[Planned], findings: Findings) -> list[Planned]:
    """The same events, each that has a cause with the correlation of the chain it belongs to."""
    places = {str(each.event.id): each for each in events if each.kind == "events"}
    lineage = trace_roots({event_id: each.event.causation_id for event_id, each in places.items()})
    for root in lineage.circles:
        findings.oddity(places[root].steps, "event in a circle of causes")
    return [_rooted(each, lineage.roots, places, findings) for each in events]


def _rooted(each: Planned, roots: dict[str, str], places: dict[str, Planned], findings: Findings) -> Planned:
    cause = each.event.causation_id
    if cause is None:
        return each
    if cause not in places:
        findings.oddity((*each.steps, "causation_id"), "cause that is not in the file")
    event = msgspec.structs.replace(each.event, correlation_id=roots[str(each.event.id)])
    return each._replace(event=event)
