"""Links from an id to the events that name it as their cause or root, kept up in bulk.

An index by an event's own columns would cost every append two more pages, since causes come in no order. A
table that lags behind costs next to nothing: one append in thousands links all events that are not linked
yet, in the order of the table. How far it has come is its mark; queries scan what lies beyond.
"""

from typing import Any, Final

from fleet_sqlite.database import Connection, bindable

LINK_AFTER: Final = 1000
"""Events that are not linked yet at which an append links them all. More would be more to scan for each query
by cause or root (these take about a millisecond); fewer would be too few to share the pages they go to."""

_TAIL: Final = "CASE typeof({0}) WHEN 'blob' THEN substr({0}, 4, 3) ELSE substr({0}, -3) END"
"""What links keep of an id. Of a UUIDv7 it is the low bytes of the milliseconds, which come round after
4.7 hours, so that ids of one time lie side by side; of an id in text it is the end, where such ids differ.
The whole id is compared in the event."""

MARK: Final = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'linked'"
"""The position up to which events are linked."""

_LINK: Final = f"""\
INSERT OR IGNORE INTO event_links (tail, position)
SELECT {_TAIL.format("causation_id")}, position FROM events
WHERE position > ?1 AND causation_id IS NOT NULL
UNION ALL
SELECT {_TAIL.format("correlation_id")}, position FROM events
WHERE position > ?1 AND correlation_id IS NOT NULL
ORDER BY 1, 2"""

LACKING: Final = f"""\
WITH linked AS NOT MATERIALIZED (
    SELECT position, {_TAIL.format("causation_id")} AS cause, {_TAIL.format("correlation_id")} AS root
    FROM events WHERE position <= ({MARK})
)
SELECT
    (SELECT count(cause) + count(root) - count(CASE WHEN cause = root THEN 1 END) FROM linked) -
    (SELECT count(*) FROM event_links x CROSS JOIN linked ON linked.position = x.position
     WHERE x.tail = cause OR x.tail = root)"""
"""How many links are missing. Links that lead nowhere are harmless: a query looks at the event itself."""

RELINK: Final = "UPDATE meta SET value = '0' WHERE name = 'linked'"
"""Has a later append make all links anew; until then queries scan the log."""


def linked_to(id: Any) -> tuple[str, tuple[Any, ...]]:
    """The condition, with its values, that a row `x` of the links may lead to an event that names this id."""
    return f"x.tail = {_TAIL.format('?')}", (bindable(id),) * _TAIL.count("{0}")


class Links:
    """Keeps the links up. It remembers the mark for as long as nobody else has written in between."""

    def __init__(self) -> None:
        self._mark: int | None = None

    def forget(self) -> None:
        """Stop trusting what is remembered."""
        self._mark = None

    def keep_up(self, connection: Connection, head: int) -> None:
        """Link all events up to the head, within the caller's transaction, once there are enough of them."""
        if self._mark is None:
            self._mark = _mark(connection)
        if head - self._mark < LINK_AFTER:
            return
        # What is stored counts: somebody may have set it back to have the links made anew.
        mark = _mark(connection)
        if mark == 0:
            connection.execute("DELETE FROM event_links")
        connection.execute(_LINK, (mark,))
        connection.execute("UPDATE meta SET value = ? WHERE name = 'linked'", (head,))
        self._mark = head


def _mark(connection: Connection) -> int:
    [(mark,)] = connection.execute(MARK).fetchall()
    return mark  # type: ignore[no-any-return]
