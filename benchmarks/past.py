"""What a fleet leaves behind: events of missions that are over, told in big batches.

Crews of twenty come and go: half of them are always the same, half are new each time. Each crew does a
mission of forty sorties, with claims, reservations, progress, checkpoints and mail, and gives everything
back. At the end every one of the last crew has unread mail.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Final

from fleet_checkpoints.events import CheckpointCreated
from fleet_core.api import Batch, EventStore, EventType, NewEvent, Stream, Uuid7, as_datetime, id_text
from fleet_ctk.events import CtkReleased, CtkReserved
from fleet_leases.api import Mark
from fleet_leases.events import LeaseGranted, LeaseReleased, LeaseRenewed
from fleet_missions.events import (
    MissionCompleted,
    MissionCreated,
    MissionResult,
    SortieCompleted,
    SortieCreated,
    SortieProgress,
    SortieResult,
    SortieStarted,
)
from fleet_specialists.events import SpecialistRegistered
from fleet_squawk.events import SquawkCursorAdvanced, SquawkDelivered, SquawkSent

CREW: Final = 20
"""Specialists at work at the same time."""

SORTIES: Final = 40
"""Sorties of a mission."""

UNREAD: Final = 100
"""Messages that the last crew finds in each of its mailboxes."""

_AT_ONCE: Final = 2000
"""Events of one append."""


class Past:
    """Tells events to a store, in batches. It is the only writer, so that it knows each event's position."""

    def __init__(self, store: EventStore, at: Mark) -> None:
        self._store = store
        self.at = at
        self.today = as_datetime(at.steady)
        self._ids = Uuid7()
        self._batches: list[Batch] = []
        self.position = store.head()
        """Where the last event lies, or will once it is recorded."""

    def tell(self, stream: Stream, event: EventType, cause: str | None, *tags: str) -> str:
        """Have an event recorded soon; gives its id."""
        event_id = self.new_id()
        new = NewEvent(data=event, id=event_id, causation_id=cause, tags=tags)
        self._batches.append(Batch(stream, [new]))
        self.position += 1
        if len(self._batches) == _AT_ONCE:
            self.record()
        return event_id

    def record(self) -> None:
        """Have everything recorded now."""
        last = self._store.append(*self._batches).last
        if self._batches:
            assert last == self.position, "another writer was there"
        self._batches = []

    def new_id(self) -> str:
        """An id that nothing has yet."""
        return id_text(self._ids())

    def grant(self, kind: str, name: str, holder: str, under: int | None, *tags: str) -> int:
        """Grant a lease; gives its token."""
        granted = LeaseGranted(
            lease_id=f"{kind}:{name}",
            kind=kind,  # type: ignore[arg-type]
            holder=holder,
            resources=(f"src/{name}/**",) if kind == "file" else (),
            under=under,
            ttl_ms=60_000 if kind != "claim" else None,
            at=self.at,
        )
        joined = tags if under is None else (*tags, f"under:{under}")
        self.tell(Stream("lease", granted.lease_id), granted, None, *joined)
        return self.position

    def renew(self, lease_id: str, token: int) -> None:
        """Prolong a lease."""
        renewed = LeaseRenewed(lease_id=lease_id, token=token, ttl_ms=60_000, at=self.at)
        self.tell(Stream("lease", lease_id), renewed, None)

    def release(self, lease_id: str, token: int, holder: str) -> None:
        """Give a lease back."""
        released = LeaseReleased(lease_id=lease_id, token=token, how="released", by=holder, at=self.at)
        self.tell(Stream("lease", lease_id), released, None)


def crew(shift: int | str) -> list[str]:
    """Who is at work in a shift."""
    regulars = [f"regular-{number}" for number in range(CREW // 2)]
    return [*regulars, *(f"guest-{shift}-{number}" for number in range(CREW - CREW // 2))]


def tell_past(store: EventStore, at: Mark, events: int, last_shift: str) -> None:
    """Fill a new store with about this many events, and with unread mail for the crew of the last shift."""
    past = Past(store, at)
    sent: Counter[str] = Counter()
    for shift in count():
        if past.position >= events - CREW * UNREAD:
            break
        _work(past, shift, sent)
    for number in range(UNREAD):
        for mailbox in crew(last_shift):
            _send(past, mailbox, f"news {number}")
    past.record()


def _work(past: Past, shift: int, sent: Counter[str]) -> None:
    """One shift: a crew comes, does a mission, and goes."""
    sessions = dict(_arrivals(past, crew(shift)))
    mission = f"mission-{shift}"
    created = MissionCreated(mission_id=mission, title=f"Mission {shift}")
    cause = past.tell(Stream("mission", mission), created, None)
    for number, holder in zip(range(SORTIES), crew(shift) * SORTIES, strict=False):
        _sortie(past, f"{mission}-{number}", mission, holder, sessions[holder])
        _mail(past, holder, sent)
    done = MissionResult(success=True, sorties_completed=SORTIES, sorties_failed=0)
    over = MissionCompleted(mission_id=mission, completed_at=past.today, duration_ms=9_000_000, result=done)
    past.tell(Stream("mission", mission), over, cause)
    for holder, token in sessions.items():
        past.release(f"session:{holder}", token, holder)


def _arrivals(past: Past, names: list[str]) -> Iterator[tuple[str, int]]:
    for name in names:
        registered = SpecialistRegistered(specialist_id=name, name=name, role="builder")
        past.tell(Stream("specialist", name), registered, None)
        yield name, past.grant("session", name, name, None, f"specialist:{name}")


def _sortie(past: Past, name: str, mission: str, holder: str, session: int) -> None:
    """A sortie from its plan to its end."""
    stream, tag = Stream("sortie", name), f"mission:{mission}"
    cause = past.tell(
        stream, SortieCreated(sortie_id=name, mission_id=mission, title="A piece of it"), None, tag
    )
    started = SortieStarted(sortie_id=name, specialist_id=holder, started_at=past.today)
    cause = past.tell(stream, started, cause, tag)
    claim = past.grant("claim", name, holder, session)
    locks = [_reserve(past, holder, claim) for _ in range(2)]
    for progress in (20, 55, 90):
        report = SortieProgress(sortie_id=name, specialist_id=holder, progress=progress, status_message="on")
        cause = past.tell(stream, report, cause)
    past.renew(f"session:{holder}", session)
    _checkpoint(past, name, holder, cause)
    result = SortieResult(success=True, summary="merged")
    completed = SortieCompleted(
        sortie_id=name, specialist_id=holder, completed_at=past.today, duration_ms=900_000, result=result
    )
    past.tell(stream, completed, cause, tag)
    past.release(f"claim:{name}", claim, holder)
    for lock, token in locks:
        past.release(f"file:{lock}", token, holder)
        past.tell(Stream("ctk", lock), CtkReleased(lock_id=lock, file_path="src", specialist_id=holder), None)


def _reserve(past: Past, holder: str, claim: int) -> tuple[str, int]:
    lock = past.new_id()
    token = past.grant("file", lock, holder, claim, "files")
    path = f"src/{lock}/**"
    reserved = CtkReserved(lock_id=lock, file_path=path, normalized_path=path, specialist_id=holder)
    past.tell(Stream("ctk", lock), reserved, None)
    return lock, token


def _checkpoint(past: Past, sortie: str, holder: str, cause: str) -> None:
    saved = CheckpointCreated(
        checkpoint_id=past.new_id(),
        specialist_id=holder,
        context={"sortie_id": sortie, "trigger": "progress", "progress": 55, "details": "half of it is done"},
        active_sorties=(sortie,),
        pending_messages=(),
        held_locks=(),
    )
    past.tell(Stream("checkpoint", saved.checkpoint_id), saved, cause)


def _mail(past: Past, mailbox: str, sent: Counter[str]) -> None:
    """Two messages, which are handed out and done with."""
    for _ in range(2):
        cause = _send(past, mailbox, "what I found")
    book, last, before = Stream("mailbox", mailbox), past.position, sent[mailbox]
    sent[mailbox] += 2
    handed = SquawkDelivered(
        mailbox_id=mailbox, consumer_id="default", after=0, position=last, count=before, seen=0
    )
    done = SquawkCursorAdvanced(mailbox_id=mailbox, consumer_id="default", position=last, count=before + 2)
    past.tell(book, done, past.tell(book, handed, cause))


def _send(past: Past, mailbox: str, subject: str) -> str:
    message = past.new_id()
    sent = SquawkSent(
        message_id=message,
        mailbox_id=mailbox,
        sender_id="regular-0",
        thread_id=message,
        message_type="message",
        content={"subject": subject, "body": "The tokenizer drops the last line when it has no line end."},
        at=past.at.steady,
    )
    return past.tell(Stream("squawk", mailbox), sent, None, f"message:{message}", f"thread:{message}")
