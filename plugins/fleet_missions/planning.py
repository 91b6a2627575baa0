"""Plans of sorties: read as a whole, with everything that is wrong with them.

Pure: what is known of patterns and of other sorties comes in as arguments.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from fleet_core.api import Invalid
from fleet_ctk.api import Pattern, witness
from fleet_missions.events import Priority
from fleet_missions.ids import LONGEST_ID, SortieId
from fleet_missions.ordering import circles, ordered, reached, waves
from fleet_missions.overlaps import Owned, overlaps

MOST_SORTIES: Final = 500
"""Sorties of a plan."""

MOST_FILES: Final = 2000
"""Patterns of all the sorties of a plan together."""

MOST_OVERLAPS: Final = 100
"""Overlaps that are told; of more, it is told that there are some."""


class PlannedSortie(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sortie of a plan."""

    title: Annotated[
        str, Meta(description="What is to be done, in a few words.", min_length=1, max_length=200)
    ]
    id: Annotated[SortieId | None, Meta(description="Its id; numbered when left out.")] = None
    description: Annotated[str | None, Meta(description="What a worker must know of it.")] = None
    priority: Annotated[Priority | None, Meta(description="How urgent it is.")] = None
    files: Annotated[
        tuple[str, ...],
        Meta(description="Patterns of the files it will change, relative to the project's root."),
    ] = ()
    needs: Annotated[
        tuple[str | int, ...],
        Meta(description="What must be completed first: ids, or places in this list, the first being 0."),
    ] = ()
    review: Annotated[bool | None, Meta(description="Whether a reviewer must approve it.")] = None


class Fault(NamedTuple):
    """Something that is wrong with a plan, and its place in it as JSONPath."""

    path: str
    message: str


class Known(NamedTuple):
    """A sortie that there is already: what it needs, and the patterns that it may still be at work on."""

    sortie_id: str
    needs: tuple[str, ...] = ()
    files: tuple[Pattern, ...] = ()


class Piece(NamedTuple):
    """A planned sortie that has been read: what it needs, by ids, and its patterns."""

    sortie_id: str
    place: str
    planned: PlannedSortie
    needs: tuple[str, ...]
    files: tuple[Pattern, ...]


class Waves(NamedTuple):
    """What can be done at the same time, wave after wave, and how many at most."""

    waves: tuple[tuple[str, ...], ...]
    width: int


class Draft(NamedTuple):
    """A plan that has been read, and what is wrong with it."""

    pieces: tuple[Piece, ...]
    faults: tuple[Fault, ...]


ReadPattern = Callable[[str, str], Pattern]
"""Reads what is typed for a pattern; the second argument is its place. Raises Invalid."""


def numbered(parts: Sequence[PlannedSortie], above: str) -> list[str]:
    """The ids of planned sorties: their own, or that of what they are part of and their number from 1 on."""
    return [part.id or f"{above}.{number}" for number, part in enumerate(parts, 1)]


def draft(
    parts: Sequence[PlannedSortie],
    above: str,
    read: ReadPattern,
    *,
    place: str,
    inherited: tuple[str, ...] = (),
    around: Sequence[Known] = (),
) -> Draft:
    """Read a plan, and find everything that is wrong with it at once.

    Args:
        parts: the planned sorties.
        above: the id of the mission or sortie that they are part of.
        read: what reads a pattern.
        place: the place of the list in the request, as JSONPath.
        inherited: ids of what every one of them needs beside what it says.
        around: sorties they will live with, which they may need, and whose files they must leave alone.
    """
    if fault := _size_fault(parts, place):
        return Draft((), (fault,))
    ids = numbered(parts, above)
    reader = _Reader(ids, {each.sortie_id for each in around}.union(ids), inherited, read)
    pieces = [reader.piece(number, part, f"{place}[{number}]") for number, part in enumerate(parts)]
    faults = [*reader.faults, *_id_faults(pieces)]
    together: list[Piece | Known] = [*pieces, *around]
    needs = _by_number(together)
    reach = reached(needs)
    faults += _circle_faults(pieces, together, circles(needs, reach))
    faults += _overlap_faults(pieces, together, reach, place)
    return Draft(tuple(pieces), tuple(faults))


def waves_of(sorties: Iterable[tuple[str, Sequence[str]]]) -> Waves:
    """The waves of sorties, given by their ids and what they need; needs outside of them do not count."""
    needs = dict(sorties)
    numbers = {sortie_id: number for number, sortie_id in enumerate(needs)}
    inside = [[numbers[each] for each in direct if each in numbers] for direct in needs.values()]
    ids = list(needs)
    found = tuple(tuple(ids[each] for each in wave) for wave in waves(inside))
    return Waves(found, max(map(len, found), default=0))


def refusal(what: str, faults: Sequence[Fault]) -> Invalid:
    """The error that lists all the faults of a plan."""
    first = faults[0]
    told = [{"path": fault.path, "message": fault.message} for fault in faults]
    if len(faults) == 1:
        return _invalid(f"{what}: {first.path}: {first.message}", first.path, faults=told)
    lines = "\n".join(f"{fault.path}: {fault.message}" for fault in faults)
    return _invalid(f"{what} has {len(faults)} faults", "$", faults=told, said=lines)


def _invalid(message: str, path: str, **details: Any) -> Invalid:
    return Invalid(message, path=path, remedy="mend the plan; nothing was recorded", **details)


def _size_fault(parts: Sequence[PlannedSortie], place: str) -> Fault | None:
    if not parts:
        return Fault(place, "there are no sorties in it")
    if len(parts) > MOST_SORTIES:
        return Fault(place, f"these are {len(parts)} sorties, and {MOST_SORTIES} is the most")
    files = sum(len(part.files) for part in parts)
    if files > MOST_FILES:
        return Fault(place, f"these are {files} patterns of files, and {MOST_FILES} is the most")
    return None


class _Reader:
    """Reads planned sorties one by one, and keeps what is wrong with them."""

    def __init__(
        self, ids: Sequence[str], names: Collection[str], inherited: tuple[str, ...], read: ReadPattern
    ) -> None:
        self._ids, self._names, self._inherited, self._read = ids, names, inherited, read
        self.faults: list[Fault] = []

    def piece(self, number: int, part: PlannedSortie, place: str) -> Piece:
        """One of them as it was meant, without what is wrong."""
        own = self._ids[number]
        needs = dict.fromkeys((*self._inherited, *self._needs(part.needs, own, f"{place}.needs")))
        files = tuple(self._files(part.files, f"{place}.files"))
        return Piece(own, place, part, tuple(needs), files)

    def _needs(self, said: Sequence[str | int], own: str, place: str) -> Iterator[str]:
        for index, need in enumerate(said):
            try:
                yield self._need(need, own)
            except LookupError as error:
                self.faults.append(Fault(f"{place}[{index}]", str(error.args[0])))

    def _need(self, need: str | int, own: str) -> str:
        if isinstance(need, int) and not 0 <= need < len(self._ids):
            raise LookupError(f"there is no place {need} in a list of {len(self._ids)}; the first is 0")
        found = self._ids[need] if isinstance(need, int) else need
        if found == own:
            raise LookupError(f"{own} needs itself")
        if found not in self._names:
            raise LookupError(f"there is no open sortie {found!r} to need")
        return found

    def _files(self, typed: Sequence[str], place: str) -> Iterator[Pattern]:
        for index, text in enumerate(typed):
            try:
                yield self._read(text, f"{place}[{index}]")
            except Invalid as error:
                self.faults.append(Fault(error.path, f"{error.message}; {error.remedy}"))


def _id_faults(pieces: Sequence[Piece]) -> Iterator[Fault]:
    first: dict[str, Piece] = {}
    for piece in pieces:
        known = first.setdefault(piece.sortie_id, piece)
        if known is not piece:
            yield Fault(f"{piece.place}.id", f"{known.place} is called {piece.sortie_id} too")
        if len(piece.sortie_id) > LONGEST_ID:
            yield Fault(piece.place, f"its id would have more than {LONGEST_ID} characters; give it one")


def _by_number(together: Sequence[Piece | Known]) -> list[list[int]]:
    """What each needs, by numbers. Of two of one id the first is meant."""
    numbers: dict[str, int] = {}
    for number, each in enumerate(together):
        numbers.setdefault(each.sortie_id, number)
    return [
        [numbers[need] for need in each.needs if numbers.get(need, number) != number]
        for number, each in enumerate(together)
    ]


def _circle_faults(
    pieces: Sequence[Piece], together: Sequence[Piece | Known], found: Sequence[Sequence[int]]
) -> Iterator[Fault]:
    for circle in found:
        if circle[0] >= len(pieces):
            continue  # of sorties that were there before; not this plan's fault
        ids = [together[number].sortie_id for number in circle]
        way = " -> ".join([*ids, ids[0]])
        yield Fault(f"{pieces[circle[0]].place}.needs", f"these need one another in a circle: {way}")


def _overlap_faults(
    pieces: Sequence[Piece], together: Sequence[Piece | Known], reach: Sequence[int], place: str
) -> Iterator[Fault]:
    found = list(islice(overlaps(list(_owned(together)), _rivals(pieces, reach)), MOST_OVERLAPS + 1))
    for one, other in found[:MOST_OVERLAPS]:
        mine, theirs = together[other.owner].sortie_id, together[one.owner].sortie_id
        yield Fault(
            other.place or one.place or place,
            f"{other.pattern.text!r} of {mine} and {one.pattern.text!r} of {theirs} both cover"
            f" {witness(one.pattern, other.pattern)}, and neither comes before the other",
        )
    if len(found) > MOST_OVERLAPS:
        yield Fault(place, f"there are more overlaps than these {MOST_OVERLAPS}")


def _owned(together: Sequence[Piece | Known]) -> Iterator[Owned]:
    for number, each in enumerate(together):
        for index, pattern in enumerate(each.files):
            place = f"{each.place}.files[{index}]" if isinstance(each, Piece) else None
            yield Owned(number, pattern, place)


def _rivals(pieces: Sequence[Piece], reach: Sequence[int]) -> list[int]:
    """For each sortie those that may be at work at the same time, if one of the two is planned now."""
    everybody, planned = (1 << len(reach)) - 1, (1 << len(pieces)) - 1
    return [
        sum(
            1 << other for other in range(len(reach)) if other != number and not ordered(reach, number, other)
        )
        & (everybody if number < len(pieces) else planned)
        for number in range(len(reach))
    ]
