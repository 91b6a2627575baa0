"""The check that the log holds what was written: hashes, chain, witness, versions, indexes."""

import shlex
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from fleet_core.api import EventCodec, Finding, FleetError, Progress, Recorded, Verification
from fleet_sqlite import reading
from fleet_sqlite.connections import Connections
from fleet_sqlite.hashing import link
from fleet_sqlite.links import LACKING, RELINK
from fleet_sqlite.witness import NOTHING, Head

_LAST: Final = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"

# Left joins: an event whose stream or type was lost must turn up, not vanish.
_CHAINED: Final = f"""\
SELECT {reading.COLUMNS}, e.hash FROM events e
LEFT JOIN streams s ON s.key = e.stream LEFT JOIN types t ON t.key = e.type
WHERE e.position > ? ORDER BY e.position LIMIT ?"""

_GAPS: Final = """\
SELECT s.type, s.id, max(e.position) FROM events e LEFT JOIN streams s ON s.key = e.stream
GROUP BY e.stream HAVING min(e.version) <> 1 OR max(e.version) <> count(*) LIMIT ?"""

_TAGGED: Final = """\
SELECT x.tag, x.position, t.name FROM event_tags x LEFT JOIN tags t ON t.key = x.tag
WHERE (x.tag, x.position) > (?, ?) ORDER BY x.tag, x.position LIMIT ?"""

_MOST: Final = 100
"""Findings of one kind that are told; more would say nothing new."""

_RESTORE: Final = "restore a backup: this was changed outside of fleet, or by the disk"


def verify(connections: Connections, codec: EventCodec, witnessed: Head, progress: Progress) -> Verification:
    """Check everything that can be checked. Memory does not grow with the log; appends may go on
    meanwhile."""
    check = _Check(connections, codec, witnessed, progress)
    findings: list[Finding] = []
    looks = (check.structure, check.chain, check.tail, check.witness, check.versions, check.tags, check.links)
    for look in looks:
        try:
            findings += islice(look(), _MOST)
        except FleetError as error:
            findings.append(Finding(what=error.message, remedy=error.remedy))
    return Verification(
        events=check.events, head=check.head.position, head_hash=check.head.hash.hex(), findings=findings
    )


class _Check:
    """One walk over the log, and what it remembers. The looks are taken in the order in which they stand
    here."""

    def __init__(
        self, connections: Connections, codec: EventCodec, witnessed: Head, progress: Progress
    ) -> None:
        self._connections = connections
        self._codec = codec
        self._witnessed = witnessed
        self._progress = progress
        self._promised = connections.read(_LAST)[0][0]
        self._saw_witnessed = witnessed == NOTHING
        self._tag_print = 0
        self.events = 0
        self.head = NOTHING

    def structure(self) -> Iterator[Finding]:
        """SQLite's own check of pages and indexes."""
        for (said,) in self._connections.read("PRAGMA integrity_check"):
            if said != "ok":
                yield Finding(what=f"SQLite's integrity check says: {said}", remedy=_RESTORE)

    def chain(self) -> Iterator[Finding]:
        """Every event's hash, and the event it stands upon."""
        while rows := self._connections.read(_CHAINED, (self.head.position, reading.PAGE)):
            for *row, digest in rows:
                if link(self.head.hash, tuple(row)) != digest:
                    yield Finding(
                        what="this event, or what stood before it, is not what was recorded",
                        position=row[0],
                        remedy=_RESTORE,
                    )
                self._note(Head(row[0], digest), tuple(row))
            self._progress(self.head.position)

    def _note(self, head: Head, row: tuple[Any, ...]) -> None:
        self.events += 1
        self.head = head
        self._saw_witnessed = self._saw_witnessed or head == self._witnessed
        if row[8] is not None:
            for tag in Recorded(row, self._codec).tags:
                self._tag_print ^= hash((head.position, tag))

    def tail(self) -> Iterator[Finding]:
        """Positions that were handed out and are not there."""
        if self.head.position < self._promised:
            yield Finding(
                what=f"the log ends at position {self.head.position}; it had come to {self._promised}",
                position=self.head.position,
                remedy=_RESTORE,
            )

    def witness(self) -> Iterator[Finding]:
        """The head that was noted beside the database."""
        if not self._saw_witnessed:
            yield Finding(
                what="the event that was noted here beside the database is missing, or another: the log was"
                " cut,"
                " changed or replaced",
                position=self._witnessed.position,
                remedy=_RESTORE,
            )

    def versions(self) -> Iterator[Finding]:
        """Streams whose events don't count from 1 without a gap."""
        for kind, id, position in self._connections.read(_GAPS, (_MOST,)):
            yield Finding(
                what=f"versions of stream {kind}/{id} are missing", position=position, remedy=_RESTORE
            )

    def tags(self) -> Iterator[Finding]:
        """The index by tags against the events' own tags, compared by an exclusive or of hashes:
        order is no matter."""
        found = 0
        place = (0, 0)
        while rows := self._connections.read(_TAGGED, (*place, reading.PAGE)):
            for key, position, name in rows:
                place = (key, position)
                if position <= self.head.position:
                    found ^= hash((position, name))
        if found != self._tag_print:
            yield Finding(what="the index by tags does not agree with the events", remedy=_RESTORE)

    def links(self) -> Iterator[Finding]:
        """The links by cause and root: whether all are there of the events that count as linked."""
        [(lacking,)] = self._connections.read(LACKING)
        if lacking:
            yield Finding(
                what=f"{lacking} links from causes to their events are missing",
                remedy=f"run sqlite3 {shlex.quote(str(self._connections.path))} {shlex.quote(RELINK)};"
                " a later append makes all links anew",
            )
