"""Commits that no lease covered, found afterwards: what the guard would have stopped, had it been asked."""

from collections.abc import Iterator

import msgspec

from fleet_core.api import Fleet, NotFound
from fleet_ctk.api import Granted, granted_under
from fleet_git import trailers
from fleet_git.repository import Repository


class CommitChecked(msgspec.Struct, frozen=True, kw_only=True):
    """A commit, the leases that it names, and the paths that none of them covered when it was made, each with
    the reason.
    """

    commit: str
    subject: str
    author: str
    leases: tuple[str, ...]
    paths: int
    uncovered: dict[str, str]


class _Named(msgspec.Struct, frozen=True):
    """A lease that a commit names, and why it does not count, if it does not."""

    trailer: trailers.Trailer
    granted: Granted | None
    fault: str = ""


_FORMAT = f"%H%x00%s%x00%an%x00%ct%x00%(trailers:key={trailers.KEY},valueonly)"


def verify(fleet: Fleet, repository: Repository, commits: str) -> Iterator[CommitChecked]:
    """Check the commits of a range, the oldest first; a merge for what differs from all its parents.

    Raises:
        NotFound: git knows no such range.
    """
    for commit in repository.ask("rev-list", "--reverse", commits, "--").splitlines():
        yield _check(fleet, repository, commit)


def _check(fleet: Fleet, repository: Repository, commit: str) -> CommitChecked:
    sha, subject, author, when, named = repository.ask("log", "-1", f"--format={_FORMAT}", commit).split("\0")
    changed = repository.names(
        "diff-tree", "-r", "-z", "-c", "--root", "--no-commit-id", "--no-renames", "--name-only", commit
    )
    paths = repository.in_project(fleet.project, changed)
    leases = [_named(fleet, trailer, int(when)) for trailer in trailers.read(named)]
    return CommitChecked(
        commit=sha,
        subject=subject,
        author=author,
        leases=tuple(str(each.trailer) for each in leases),
        paths=len(paths),
        uncovered={path: why for path in paths if (why := _why_uncovered(fleet, path, leases))},
    )


def _named(fleet: Fleet, trailer: trailers.Trailer, committed_at: int) -> _Named:
    """What a trailer stands for. Git tells whole seconds, so the second of the end itself still counts."""
    granted = _granted(fleet, trailer)
    if granted is None:
        return _Named(trailer, None, f"{trailer} is no lease of this project's files")
    if granted.ended is not None and granted.ended.recorded_us // 1_000_000 < committed_at:
        return _Named(trailer, None, f"{trailer} had ended at position {granted.ended.position}")
    return _Named(trailer, granted)


def _granted(fleet: Fleet, trailer: trailers.Trailer) -> Granted | None:
    try:
        under = granted_under(fleet, trailer.token)
    except NotFound:
        return None
    return next((each for each in under if each.lease.lease_id == trailer.lease_id), None)


def _why_uncovered(fleet: Fleet, path: str, leases: list[_Named]) -> str | None:
    if any(each.granted and each.granted.covers(path) for each in leases):
        return None
    faults = [each.fault for each in leases if each.fault]
    if faults:
        return "; ".join(faults)
    return "no lease that the commit names covers it" if leases else "the commit names no lease"
