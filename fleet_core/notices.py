"""What wants somebody's attention: said by plugins, shown by `fleet status`.

A plugin says it by a function of group `fleet.notices`, `(fleet) -> Iterable[Notice]`, which looks at the
present and records nothing.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from fleet_core.fleet import Fleet

GROUP: Final = "fleet.notices"
"""The entry-point group of those who notice."""


class Notice(msgspec.Struct, frozen=True):
    """Something that wants attention, in a sentence, and the command that tells more or mends it."""

    what: str
    next: str


def notices(fleet: "Fleet") -> Iterator[Notice]:
    """Everything that plugins notice now. One that fails is reported and left out."""
    for entry, look in fleet.plugins.objects(GROUP):
        try:
            yield from list(look(fleet))
        except Exception as error:
            fleet.plugins.blame(entry, error)
