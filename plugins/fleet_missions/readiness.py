"""What is ready to be started, in the order in which it shall be, and why the rest is not."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from fleet_core.api import Fleet, NothingReady, Page, Read, Usage, View
from fleet_leases.api import LEASES, Lease, Mark, read_clock, remaining_ms
from fleet_missions.events import Priority
from fleet_missions.ids import MissionId
from fleet_missions.sortie_queue import OPEN_SORTIES, OpenSortie
from fleet_missions.sortie_state import SORTIES, Sortie

ROW: Final = 200
"""Bytes of JSON that a row takes at most, for those who pay for each: the title gives way."""

FEW: Final = 8
"""Rows looked at first."""

MORE: Final = 16
"""How many times as many rows are looked at next, when none of the first will do."""

NAMED: Final = 3
"""Sorties named in a sentence; of more it says how many."""


class SortieReady(Read, frozen=True, kw_only=True):
    """Which sorties."""

    mission: Annotated[MissionId | None, Meta(description="Only those of this mission.")] = None
    explain: Annotated[bool, Meta(description="List the other open ones too, each with the reason.")] = False
    after: Annotated[
        str | None, Meta(description="Go on after this place, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50


class ReadyRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sortie that can be started now, or, if `why_not` says so, not yet."""

    sortie_id: str
    title: str
    priority: Priority
    mission_id: str | None = None
    why_not: str | None = None


class Prospects:
    """Whether open sorties can be started, in the light of these states.

    `lease_of` gives the claim on a sortie, or what is left of an expired one; `now` is the steady clock, None
    when the past is asked about.
    """

    def __init__(
        self,
        queue: View[OpenSortie],
        sorties: View[Sortie],
        lease_of: Callable[[str], Lease | None],
        now: Callable[[], Mark] | None,
    ) -> None:
        self._queue, self._sorties, self._lease_of, self._now = queue, sorties, lease_of, now
        self._unmet: dict[str, str | None] = {}

    def ready(self, where: Mapping[str, Any], specialist: str | None = None) -> Iterator[OpenSortie]:
        """Those that can be started: by a certain specialist, or by anybody."""
        waiting = in_order(self._queue, {"waits": True, **where})
        return (row for row in waiting if self.why_not(row, specialist) is None)

    def explained(self, where: Mapping[str, Any], specialist: str | None = None) -> Iterator[ReadyRow]:
        """All open ones, and of those that can't be started why not."""
        return (as_row(row, self.why_not(row, specialist)) for row in in_order(self._queue, where))

    def why_not(self, row: OpenSortie, specialist: str | None = None) -> str | None:
        """Why a sortie can't be started; None if it can be."""
        self._unmet[row.sortie_id] = ""  # those that need it mostly come next, and need not look it up
        if not row.waits:
            return _occupied(row)
        if row.assigned_to not in (None, specialist):
            return f"is assigned to {row.assigned_to}"
        return self._waits_for(row.dependencies) or self._barred(row.sortie_id)

    def _waits_for(self, dependencies: tuple[str, ...]) -> str | None:
        unmet = [(name, why) for name in dependencies if (why := self._why_unmet(name)) is not None]
        hopeless = [f"its dependency {name} {why}" for name, why in unmet if why]
        if hopeless:
            return hopeless[0]
        return f"waits for {named([name for name, _ in unmet])}" if unmet else None

    def _why_unmet(self, name: str) -> str | None:
        """None if a dependency is met; else what makes it hopeless, if anything does."""
        if name not in self._unmet:
            self._unmet[name] = self._looked_up(name)
        return self._unmet[name]

    @cached_property
    def _taken(self) -> frozenset[str]:
        """Sorties that somebody has begun: most of what others wait for."""
        return frozenset(row.sortie_id for row in self._queue.select({"waits": False}).items)

    def _looked_up(self, name: str) -> str | None:
        if name in self._taken or self._queue.get(name) is not None:
            return ""
        found = self._sorties.get(name)
        if found is None:
            return "does not exist"
        return None if found.status == "completed" else f"was {found.status}"

    def _barred(self, sortie_id: str) -> str | None:
        lease = self._lease_of(sortie_id)
        if lease is None:
            return None
        if lease.status == "held":
            return f"is claimed by {lease.holder}"
        left = None if self._now is None else remaining_ms(lease, self._now())
        if left is None:
            return f"is barred since the claim of {lease.holder} expired"
        return (
            f"is barred for {left / 1000:.1f} s, since the claim of {lease.holder} expired" if left else None
        )


def _occupied(row: OpenSortie) -> str:
    match row.status:
        case "in_progress":
            return f"{row.assigned_to} works on it"
        case "review":
            return f"{row.reviewer} reviews it" if row.reviewer else "waits for a review"
        case "failed":
            return "failed: assign it anew, or cancel it"
    return "is blocked"


def named(names: list[str]) -> str:
    """A few names in a sentence."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def in_order(queue: View[OpenSortie], where: Mapping[str, Any]) -> Iterator[OpenSortie]:
    """The most urgent first, and of those the oldest. Most who ask need the first few only."""
    limit, last = FEW, 0
    while True:
        rows = queue.first(where, by="place", limit=limit)
        yield from (row for row in rows if row.place > last)
        if len(rows) < limit:
            return
        limit, last = limit * MORE, rows[-1].place


def as_row(row: OpenSortie, why_not: str | None = None) -> ReadyRow:
    """A sortie as a row that is short enough."""
    whole = ReadyRow(
        sortie_id=row.sortie_id,
        title=row.title,
        priority=row.priority,
        mission_id=row.mission_id,
        why_not=why_not,
    )
    return whole if len(msgspec.json.encode(whole)) <= ROW else _shortened(whole)


def _shortened(row: ReadyRow) -> ReadyRow:
    room = ROW - len(msgspec.json.encode(msgspec.structs.replace(row, title="…")))
    kept = 0
    for taken, character in enumerate(row.title):
        room -= len(msgspec.json.encode(character)) - 2
        if room < 0:
            break
        kept = taken + 1
    return msgspec.structs.replace(row, title=f"{row.title[:kept].rstrip()}…")


def sortie_ready(fleet: Fleet, request: SortieReady) -> Page[ReadyRow]:
    """List the sorties that can be started, the most urgent first, and of those the oldest.

    Example: fleet sortie ready --explain --mission oauth
    """
    prospects = prospects_of(fleet, request.as_of)
    where = {} if request.mission is None else {"mission_id": request.mission}
    after = _place(request.after)
    queue = fleet.view(OPEN_SORTIES, request.as_of)
    rows = in_order(queue, where if request.explain else {"waits": True, **where})
    found: list[tuple[int, ReadyRow]] = []
    for row in rows:
        why_not = None if row.place <= after else prospects.why_not(row)
        if row.place > after and (request.explain or why_not is None):
            found.append((row.place, as_row(row, why_not)))
        if len(found) > request.limit:
            break
    items = [row for _, row in found[: request.limit]]
    return Page(items, str(found[request.limit - 1][0]) if len(found) > request.limit else None)


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal():
        raise Usage(f"{cursor!r} is no place in the queue", remedy="give what an earlier answer gave as next")
    return int(cursor)


def prospects_of(fleet: Fleet, as_of: str | None = None) -> Prospects:
    """What can be started now, or could be at a moment of the past."""
    queue, sorties = fleet.view(OPEN_SORTIES, as_of), fleet.view(SORTIES, as_of)
    claims = fleet.view(LEASES, as_of).select({"kind": "claim", "status": "expired"}).items
    barred = {lease.lease_id.partition(":")[2]: lease for lease in claims}
    return Prospects(queue, sorties, barred.get, None if as_of else lambda: read_clock(fleet))


def nothing_ready(prospects: Prospects, where: Mapping[str, Any], specialist: str) -> NothingReady:
    """What to say when there is nothing to claim: what stands in the way of each open sortie."""
    rows = list(prospects.explained(where, specialist))
    reasons = [f"{row.sortie_id} {row.why_not}" for row in rows]
    return NothingReady(
        f"nothing is ready: {'; '.join(reasons[:NAMED])}" + _and_more(len(reasons) - NAMED)
        if rows
        else "nothing is ready: no sortie is open",
        remedy="'fleet wait --for ready' returns when something is, 'fleet sortie ready --explain' tells all",
        open=len(rows),
        blockers=[{"sortie": row.sortie_id, "why_not": row.why_not} for row in rows[:10]],
    )


def _and_more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""
