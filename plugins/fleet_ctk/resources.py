"""What can be held: a pattern of the project's files, or a slot, which is anything that has a name."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from fleet_core.api import Invalid, Project
from fleet_ctk.heads import apart
from fleet_ctk.paths import project_pattern
from fleet_ctk.patterns import Pattern, overlap, parse
from fleet_leases.api import Lease, LeaseGranted

SLOT: Final = "slot://"
"""What the name of a slot begins with; there is no such path."""

FILE_ID: Final = "file:"
SLOT_ID: Final = "slot:"
"""What the ids of their leases begin with: a lock's id, or the slot's name, follows."""

FILES: Final = "files"
"""The tag of all grants of files."""

_SLOT_NAME: Final = re.compile(r"[\w.:+-]+(?:/[\w.:+-]+)*", re.ASCII)


class Resource(NamedTuple):
    """Something that was asked for. `name` is its one spelling; a slot has no pattern."""

    typed: str
    name: str
    pattern: Pattern | None

    @property
    def slot_id(self) -> str:
        """The id of a slot's lease."""
        return SLOT_ID + self.name.removeprefix(SLOT)

    @property
    def kind(self) -> Literal["file", "slot"]:
        """The kind of its lease."""
        return "slot" if self.pattern is None else "file"

    def is_of(self, lease: Lease | LeaseGranted) -> bool:
        """Whether it is just what a lease is of, in whatever spelling."""
        if lease.kind != self.kind or self.pattern is None:
            return lease.lease_id == self.slot_id
        case_sensitive = self.pattern.case_sensitive
        if apart(self.name, name_of(lease), case_sensitive=case_sensitive):
            return False
        return pattern_of(lease, case_sensitive).lines == self.pattern.lines

    def meets(self, lease: Lease) -> bool:
        """Whether some path, or the slot, belongs to both."""
        if self.pattern is None:
            return lease.lease_id == self.slot_id
        case_sensitive = self.pattern.case_sensitive
        if lease.kind != "file" or apart(self.name, name_of(lease), case_sensitive=case_sensitive):
            return False
        return overlap(self.pattern, pattern_of(lease, case_sensitive))


def resources(
    typed: Sequence[str], project: Project, where: str | None, *, case_sensitive: bool
) -> list[Resource]:
    """What is meant by paths, patterns and slots as they were typed; each once.

    Raises:
        Invalid: one of them is none, or leads out of the project.
    """
    folder = project.root / (where or "")
    found = [
        _resource(text, project, folder, case_sensitive, f"$.paths[{index}]")
        for index, text in enumerate(typed)
    ]
    distinct = {each.pattern.lines if each.pattern else each.name: each for each in reversed(found)}
    return list(reversed(distinct.values()))


def _resource(typed: str, project: Project, folder: Path, case_sensitive: bool, path: str) -> Resource:
    if typed.startswith(SLOT):
        return Resource(typed, _checked_slot(typed, path), None)
    pattern = project_pattern(typed, project, folder, case_sensitive=case_sensitive, path=path)
    return Resource(typed, pattern.text, pattern)


def _checked_slot(typed: str, path: str) -> str:
    name = typed.removeprefix(SLOT)
    if not _SLOT_NAME.fullmatch(name) or len(name) > 200:
        raise Invalid(
            f"{typed!r} names no slot",
            path=path,
            remedy="letters, digits and . _ : + - name a slot, such as slot://build or slot://port/8080",
        )
    return typed


def name_of(lease: Lease | LeaseGranted) -> str:
    """What a lease is of, as people write it: a pattern, or a slot."""
    return lease.resources[0] if lease.kind == "file" else SLOT + lease.lease_id.removeprefix(SLOT_ID)


def pattern_of(lease: Lease | LeaseGranted, case_sensitive: bool) -> Pattern:
    """The pattern that a lease is of."""
    return _parsed(name_of(lease), case_sensitive)


@lru_cache(maxsize=8192)
def _parsed(text: str, case_sensitive: bool) -> Pattern:
    return parse(text, case_sensitive=case_sensitive)
