"""A memory store, about to be broken. `caught_by` names the property that must not let the fault pass."""

from collections.abc import Callable
from typing import Any, ClassVar

from fleet_core.events import Recorded, Row
from kit.file_store import Memory

MEMORY = {
    "durability": "it is in memory",
    "processes": "it is in memory",
    "pipelining": "its appends are over when they return",
}


class Mutant(Memory):
    """A memory store, about to be broken."""

    caught_by: ClassVar[str]
    lacks: ClassVar[dict[str, str]] = MEMORY

    def _rewritten(self, events: list[Recorded], **changes: Callable[[Row], Any]) -> list[Recorded]:
        rows = [Row(*event.row) for event in events]
        changed = [row._replace(**{name: change(row) for name, change in changes.items()}) for row in rows]
        return [Recorded(row, self._codec) for row in changed]


class RewritesRows(Mutant):
    """Records something else than it was given."""

    change: ClassVar[dict[str, Callable[[Row], Any]]]

    def _rows(self, writes: Any) -> list[Recorded]:
        return self._rewritten(super()._rows(writes), **self.change)
