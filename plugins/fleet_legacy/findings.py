"""What a conversion has to say about single rows: faults, which stop it, and oddities, which it keeps.

A row's place is its steps from the top of the file, written as JSONPath (RFC 9535) when somebody reads it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from fleet_core.api import Invalid

Steps = tuple[str | int, ...]
"""The way from the top of the file to a value: keys of objects and indexes of arrays."""

SHOWN: Final = 20
"""Most faults that people are shown, and most places that a report lists for one kind of oddity."""


class Fault(msgspec.Struct, frozen=True):
    """A value that can't be kept, or a row without one."""

    place: str
    reason: str


class Oddity(msgspec.Struct, frozen=True):
    """Something unusual that was kept: how often it occurs, and the first places."""

    kind: str
    count: int
    places: list[str]


class Findings:
    """Everything found while a file is converted, in the order of the file."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._counts: Counter[str] = Counter()
        self._places: dict[str, list[str]] = {}

    def fault(self, steps: Steps, reason: str) -> None:
        """Note something that can't be kept."""
        self.faults.append(Fault(json_path(steps), reason))

    def oddity(self, steps: Steps, kind: str) -> None:
        """Note something unusual that is kept."""
        self._counts[kind] += 1
        places = self._places.setdefault(kind, [])
        if len(places) < SHOWN:
            places.append(json_path(steps))

    @property
    def oddities(self) -> list[Oddity]:
        """The kinds of oddities, each with its count and first places."""
        return [Oddity(kind, count, self._places[kind]) for kind, count in self._counts.items()]

    def refuse(self, source: str) -> None:
        """Do nothing when there is no fault.

        Raises:
            Invalid: there are some.
        """
        if self.faults:
            raise refusal(source, self.faults)


def refusal(source: str, faults: Sequence[Fault]) -> Invalid:
    """The error for a file with faults. It names the first; `details` holds them all."""
    what = "a fault" if len(faults) == 1 else f"{len(faults):,} faults, the first"
    return Invalid(
        f"{source} has {what} at {faults[0].place}: {faults[0].reason}; nothing was recorded",
        path=faults[0].place,
        remedy="mend these rows in a copy of the file, and migrate the copy",
        faults=msgspec.to_builtins(faults),
    )


def json_path(steps: Iterable[Any]) -> str:
    """The JSONPath of a value, such as `$.events["data-kinds"][3].type`."""
    return "$" + "".join(map(_step, steps))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step.isascii() and step.isidentifier():
        return f".{step}"
    # Control characters and lone surrogates are escaped, because terminals and UTF-8 choke on them.
    return f"[{json.dumps(step, ensure_ascii=not step.isprintable())}]"
