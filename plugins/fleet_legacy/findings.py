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
"""Most faults that an error's text lists, and most places that a report lists for one kind of oddity."""


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
            Invalid: there are some; the message lists the first of them, and how many there are.
        """
        if self.faults:
            raise refusal(source, self.faults)


def refusal(source: str, faults: Sequence[Fault]) -> Invalid:
    """The error that names all faults of a file; its text, only the first of many."""
    listed = [f"{fault.place}: {fault.reason}" for fault in faults[:SHOWN]]
    more = [f"and {len(faults) - SHOWN:,} more"] if len(faults) > SHOWN else []
    what = "1 fault" if len(faults) == 1 else f"{len(faults):,} faults"
    return Invalid(
        "\n  ".join([f"{source} has {what}; nothing was recorded:", *listed, *more]),
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
    return (
        f".{step}"
        if step.isascii() and step.isidentifier()
        else f"[{json.dumps(step, ensure_ascii=_odd(step))}]"
    )


def _odd(text: str) -> bool:
    """Whether a terminal or UTF-8 would choke on it: control characters and lone surrogates."""
    return not text.isprintable()
