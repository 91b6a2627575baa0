"""From what a user types to a pattern of the project: one spelling for everybody, and nothing outside of it.

The leading segments without wildcards are resolved as the operating system would: `.`, `..`, symbolic links
and absolute paths; what does not exist yet is taken as written. The rest keeps its wildcards. A path in a
linked git worktree means the same path of the project, since that is the file that will be merged.

A folder may be called `[id]` or `{slug}`. So a segment without `*` and `?` that exists as it is written means
just that, and only otherwise a class or a choice.
"""

import os
import re
from collections.abc import Sequence
from errno import ELOOP
from pathlib import Path
from typing import Final

from fleet_core.api import Invalid, Project, main_worktree
from fleet_ctk.patterns import Pattern, parse, tops
from fleet_ctk.syntax import Fault, Mark, escape, marks, plain, segments, shortened

GIT: Final = ".git"


def project_pattern(
    typed: str, project: Project, where: Path, *, case_sensitive: bool = True, path: str = "$"
) -> Pattern:
    """What is meant by a path or pattern typed in the folder `where`.

    Args:
        typed: relative to `where`, or absolute; separators are slashes.
        where: an absolute folder, in the project or in a worktree of it; the root for callers without one.
        case_sensitive: the project's rule; see `case_rule`.
        path: the place of `typed` in the request, for messages.

    Raises:
        Invalid: it is no pattern, leads out of the project, or into the data of git or fleet.
    """
    try:
        parts = segments(marks(_spelled(typed)))
        absolute = len(parts) > 1 and not parts[0]
        head, rest = _parted(parts, Path("/") if absolute else where)
        inside = _in_project(_resolved(head), project)
        text = "/".join([*map(escape, inside.parts), *_wild(rest)]) or "**"
        pattern = parse(text, case_sensitive=case_sensitive, path=path)
        _check_open(pattern, project)
    except Fault as fault:
        raise fault.of(typed, path) from None
    except _Refused as refused:
        raise Invalid(
            f"{shortened(typed)!r} {refused.why}", path=path, remedy=refused.remedy, pattern=typed
        ) from None
    return pattern


def project_path(typed: str, project: Project, where: Path) -> str:
    """The path of a file as seen from the project's root, from what is typed in the folder `where`.

    Raises:
        Invalid: it leads out of the project.
    """
    try:
        return _in_project(_resolved(where / typed), project).as_posix()
    except _Refused as refused:
        raise Invalid(f"{shortened(typed)!r} {refused.why}", remedy=refused.remedy) from None


class _Refused(Exception):
    """Why a path can't be reserved, and what to do instead."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


def _spelled(typed: str) -> str:
    if not typed:
        raise _Refused("names nothing", "name a path or a pattern; '.' is the folder you are in")
    if re.match(r"[A-Za-z]:[\\/]", typed):
        raise _Refused("begins with a drive letter", "write it relative to the project's root, with /")
    return typed


def _parted(parts: Sequence[Sequence[Mark]], start: Path) -> tuple[Path, Sequence[Sequence[Mark]]]:
    """The place that the leading segments name, and the segments from the first wildcard on."""
    place = start
    for count, part in enumerate(parts):
        name = plain(part)
        if name is None and _exists_as_written(part, place):
            name = _written(part)
        if name is None:
            return place, parts[count:]
        place /= name
    return place, ()


def _exists_as_written(part: Sequence[Mark], place: Path) -> bool:
    wild = any(mark.kind in "*?/" for mark in part)
    return not wild and os.path.lexists(place / _written(part))


def _written(part: Sequence[Mark]) -> str:
    return "".join(mark.text for mark in part)


def _resolved(place: Path) -> Path:
    """Where a path leads to, as far as it exists."""
    try:
        place.stat()
    except OSError as error:
        if error.errno == ELOOP:
            raise _Refused(
                "follows symbolic links in a circle", "repair the link, or name its target"
            ) from None
    return Path(os.path.realpath(place))


def _in_project(place: Path, project: Project) -> Path:
    """The same place as seen from the project's root; the nearest worktree around it decides."""
    root = project.root.resolve()
    for folder in (place, *place.parents):
        if folder == root or ((folder / GIT).is_file() and main_worktree(folder) == root):
            return place.relative_to(folder)
    raise _Refused(
        f"leads to {shortened(str(place))}, outside of the project in {root}",
        "reserve paths of the project only; what a link leads out to can't be reserved",
    )


def _wild(parts: Sequence[Sequence[Mark]]) -> list[str]:
    """The segments from the first wildcard on; an empty last one stands for the slash at the end."""
    if any(plain(part) == ".." for part in parts):
        raise _Refused("has '..' behind a wildcard", "write the pattern without '..'")
    names = [_written(part) for part in parts]
    kept = [name for name in names if name not in ("", ".")]
    return [*kept, ""] if names and names[-1] in ("", ".") else kept


def _check_open(pattern: Pattern, project: Project) -> None:
    """The data of git and fleet are nobody's to reserve, in whatever letters they are called."""
    closed = {GIT, project.directory.name.casefold()} & {name.casefold() for name in tops(pattern)}
    if closed:
        raise _Refused(f"leads into {min(closed)}, whose files are no work", "reserve other paths")
