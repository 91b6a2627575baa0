"""What stands between a specialist and a commit: other people's reservations, and its own lapsed session."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from fleet_core.api import Conflict, Fleet
from fleet_ctk.api import covering
from fleet_git.settings import settings_of
from fleet_leases.api import HeldWrite, Lease, carry_out_held, read_clock, remaining_ms, settle


class Guard(HeldWrite, frozen=True, kw_only=True):
    """May these paths be written?"""


class CommitBlocked(Conflict):
    """A commit would touch what its author has not reserved."""

    code = "COMMIT_BLOCKED"


class Hindrance(msgspec.Struct, frozen=True, kw_only=True):
    """A path that may not be written, and who is in the way: nobody, if only one's own reservation is
    missing.
    """

    path: str
    holder: str | None = None
    pattern: str | None = None
    seconds_left: float | None = None


def holder_of(fleet: Fleet, token: int | None) -> str | None:
    """Whose token it is; None without one, as people have none.

    Raises:
        Fenced: it is stale; recorded.
    """
    if token is None:
        settle(fleet)
        return None
    found: list[str] = []
    carry_out_held(fleet, Guard(token=token), lambda decision, holding: found.append(holding.specialist))
    return found[-1]


def check(fleet: Fleet, paths: Sequence[str], token: int | None) -> None:
    """Accept a write to these paths, which are relative to the project's root.

    Raises:
        CommitBlocked: others have reserved some, or a specialist has not.
        Fenced: the token is stale; recorded.
    """
    specialist = holder_of(fleet, token)
    hindrances = list(_hindrances(fleet, paths, specialist))
    if hindrances:
        raise CommitBlocked(
            "; ".join(_said(each) for each in hindrances[:5]) + _more(len(hindrances) - 5),
            remedy=_next_step(hindrances[0]),
            hindrances=[msgspec.to_builtins(each) for each in hindrances],
        )


def _hindrances(fleet: Fleet, paths: Iterable[str], specialist: str | None) -> Iterator[Hindrance]:
    strict = specialist is not None and settings_of(fleet).reserve_all
    for path in paths:
        leases = [each.lease for each in covering(fleet, path)]
        others = [lease for lease in leases if lease.holder != specialist and not lease.shared]
        if others:
            yield _held(fleet, path, others[0])
        elif strict and not any(lease.holder == specialist and lease.status == "held" for lease in leases):
            yield Hindrance(path=path)


def _held(fleet: Fleet, path: str, lease: Lease) -> Hindrance:
    left = remaining_ms(lease, read_clock(fleet))
    return Hindrance(
        path=path,
        holder=lease.holder,
        pattern=lease.resources[0],
        seconds_left=None if left is None else left / 1000,
    )


def _said(hindrance: Hindrance) -> str:
    if hindrance.holder is None:
        return f"{hindrance.path} is not reserved by you"
    left = "" if hindrance.seconds_left is None else f", {hindrance.seconds_left:.0f} s left"
    return f"{hindrance.path} is reserved by {hindrance.holder} ({hindrance.pattern}{left})"


def _more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""


def _next_step(hindrance: Hindrance) -> str:
    if hindrance.holder is None:
        return f"fleet ctk reserve '{hindrance.path}'"
    ask = f"fleet squawk send {hindrance.holder}"
    return f"leave it out (git restore --staged '{hindrance.path}'), or ask its holder: {ask}"
