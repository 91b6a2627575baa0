"""The check that the log holds what was written: hashes, chain, versions, tags, positions."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from fleet_core.api import EventCodec, Finding, FleetError, Progress, Recorded, Verification
from fleet_postgres import reading
from fleet_postgres.chain import START, Chain
from fleet_postgres.connections import Connections
from fleet_postgres.hashing import row_hash
from fleet_postgres.ids import unpacked_row

# A left join: an event whose stream was lost must turn up, not vanish.
_EVENTS: Final = f"""\
SELECT {reading.COLUMNS}, e.hash FROM {{schema}}.events e LEFT JOIN {{schema}}.streams s ON s.key = e.stream
WHERE e.position > %s AND e.position <= %s ORDER BY e.position LIMIT %s"""

_GAPS: Final = """\
SELECT s.type, s.id, max(e.position) FROM {schema}.events e LEFT JOIN {schema}.streams s ON s.key = e.stream
WHERE e.position <= %s
GROUP BY e.stream, s.type, s.id HAVING min(e.version) <> 1 OR max(e.version) <> count(*) LIMIT %s"""

_TAGS: Final = """\
SELECT tag, position FROM {schema}.event_tags
WHERE (tag, position) > (%s, %s) ORDER BY tag, position LIMIT %s"""

_PROMISED: Final = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {schema}.positions"

_MOST: Final = 100
"""Findings of one kind that are told; more would say nothing new."""

_RESTORE: Final = "restore a backup: this was changed outside of fleet, or by the disk"


def verify(connections: Connections, schema: str, codec: EventCodec, progress: Progress) -> Verification:
    """Check everything that can be checked. Memory does not grow with the log; appends may go on
    meanwhile."""
    check = _Check(connections, schema, codec, progress)
    findings: list[Finding] = []
    for look in (check.events_and_chain, check.positions, check.versions, check.tags):
        try:
            findings += islice(look(), _MOST)
        except FleetError as error:
            findings.append(Finding(what=error.message, remedy=error.remedy))
    last = check.last
    return Verification(events=last.events, head=last.position, head_hash=last.hash.hex(), findings=findings)


class _Check:
    """One walk over the log, and what it remembers. The looks are taken in the order in which they stand
    here."""

    def __init__(self, connections: Connections, schema: str, codec: EventCodec, progress: Progress) -> None:
        self._read = connections.read
        self._schema = schema
        self._codec = codec
        self._progress = progress
        self._chain = Chain(connections, schema)
        self._head: int = self._read(f"SELECT {schema}.settled()")[0][0]
        self._tag_print = 0
        self.last = START

    def events_and_chain(self) -> Iterator[Finding]:
        """Every event's hash, and the chain wherever it was closed."""
        knots = self._chain.knots()
        knot = next(knots, None)
        while rows := self._read(self._sql(_EVENTS), (self.last.position, self._head, reading.PAGE)):
            for *columns, digest in rows:
                row = unpacked_row(tuple(columns))
                if row_hash(row) != digest:
                    yield _fault("this event is not what was recorded", row[0])
                self.last = self.last.tied_to([(row[0], row[6], columns[11], digest)])
                self._note_tags(row)
                if knot is not None and knot.position <= row[0]:
                    if knot != self.last:
                        yield _fault("this event, or one before it, is not the one that was chained", row[0])
                        self.last = self.last._replace(events=knot.events, hash=knot.hash)
                    knot = next(knots, None)
            self._progress(self.last.position)
        if knot is not None and knot.position <= self._head:
            yield _fault("events that were chained are missing", knot.position)

    def _note_tags(self, row: tuple[Any, ...]) -> None:
        if row[8] is not None:
            for tag in Recorded(row, self._codec).tags:
                self._tag_print ^= hash((row[0], tag))

    def positions(self) -> Iterator[Finding]:
        """The sequence of positions, which must be ahead of the log, and the chain, which must not."""
        [(promised,)] = self._read(self._sql(_PROMISED))
        if promised < self._head:
            yield Finding(
                what=f"positions are handed out from {promised} on, and the log is at {self._head} already",
                remedy=f"run SELECT setval('{self._schema}.positions', {self._head}) before the next append",
            )
        for knot in self._chain.knots():
            if knot.position > self._head:
                yield _fault("the log was chained up to here, and ends before", knot.position)

    def versions(self) -> Iterator[Finding]:
        """Streams whose events don't count from 1 without a gap."""
        for kind, id, position in self._read(self._sql(_GAPS), (self._head, _MOST)):
            yield _fault(f"versions of stream {kind}/{id} are missing", position)

    def tags(self) -> Iterator[Finding]:
        """The index by tags against the events' own tags, compared by an exclusive or of hashes: order is no
        matter."""
        found = 0
        place = ("", 0)
        while rows := self._read(self._sql(_TAGS), (*place, reading.PAGE)):
            for tag, position in rows:
                place = (tag, position)
                if position <= self._head:
                    found ^= hash((position, tag))
        if found != self._tag_print:
            yield Finding(what="the index by tags does not agree with the events", remedy=_RESTORE)

    def _sql(self, statement: str) -> str:
        return statement.replace("{schema}", self._schema)


def _fault(what: str, position: int) -> Finding:
    return Finding(what=what, position=position, remedy=_RESTORE)
