"""Who must wait for whom: the locks that an append takes, named by what it writes and looks at.

Two appends may go on side by side unless one could change what the other decides on. Streams and tags are
named by 32 bits of their checksum: two that share a name by chance merely wait for each other.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from zlib import crc32

from fleet_core.api import Condition, Match, Query, Stream

MOST_KEYS: Final = 32
"""Keys that one append takes at most; who needs more is alone instead. The server's table of locks is small.
"""

MOST_TOGETHER: Final = 16
"""Events of one append that are written beside others'; for more, neighbouring positions are too rarely free.
"""


class Turn(NamedTuple):
    """The locks of an append: alone, or these keys in their order, each owned or shared."""

    alone: bool
    keys: tuple[int, ...] = ()
    owned: tuple[bool, ...] = ()


ALONE: Final = Turn(alone=True)


class Footprint:
    """What an append touches: keys it must have for itself, and keys it shares with its like."""

    def __init__(self) -> None:
        self._owned: set[int] = set()
        self._shared: set[int] = set()
        self._alone = False

    def write(self, stream: Stream, tags: Iterable[str], count: int) -> None:
        """Events with these tags go to a stream."""
        self._owned.add(stream_key(stream))
        self._shared.update(map(tag_key, tags))
        self._alone = self._alone or count > MOST_TOGETHER

    def look(self, condition: Condition | None) -> None:
        """No event that the condition excludes may come in between."""
        if condition is None:
            return
        covered = keys_of(condition.query)
        if covered is None:
            self._alone = True
        else:
            self._owned |= covered

    def turn(self) -> Turn:
        """The locks to take."""
        keys = sorted(self._owned | self._shared)
        if self._alone or len(keys) > MOST_KEYS:
            return ALONE
        return Turn(False, tuple(keys), tuple(key in self._owned for key in keys))


def keys_of(query: Query) -> set[int] | None:
    """Keys one of which every writer of a matching event takes; None when there are no such keys."""
    keys: set[int] = set()
    for item in query.items:
        covered = _keys_of_item(item)
        if not covered:
            return None
        keys |= covered
    return keys or None


def _keys_of_item(item: Match) -> set[int]:
    if item.streams:
        return {stream_key(stream) for stream in item.streams}
    return {tag_key(item.tags[0])} if item.tags else set()


def together(turns: Sequence[Turn]) -> Turn:
    """The locks of several appends in one transaction."""
    if len(turns) == 1:
        return turns[0]
    owned: dict[int, bool] = {}
    for turn in turns:
        if turn.alone:
            return ALONE
        for key, is_owned in zip(turn.keys, turn.owned, strict=True):
            owned[key] = owned.get(key, False) or is_owned
    if len(owned) > MOST_KEYS * 8:
        return ALONE
    keys = sorted(owned)
    return Turn(False, tuple(keys), tuple(owned[key] for key in keys))


def stream_key(stream: Stream) -> int:
    """The key of a stream; its length keeps type and id apart."""
    return _signed(crc32(f"{len(stream[0])} {stream[0]} {stream[1]}".encode(errors="surrogatepass")))


def tag_key(tag: str) -> int:
    """The key of a tag."""
    return _signed(crc32(f"tag {tag}".encode(errors="surrogatepass")))


def _signed(number: int) -> int:
    return number - (1 << 32) if number >= 1 << 31 else number
