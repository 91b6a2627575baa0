"""Gathering a context: what the log knows of a sortie, its holder and their mail, and what they add."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from fleet_checkpoints.context import Context, Mail, Reservation, Trigger
from fleet_checkpoints.loading import newest
from fleet_core.api import Decision, Fleet, Project, Query, as_datetime, main_worktree
from fleet_leases.api import LEASES
from fleet_missions.api import Sortie, SortieProgress, sortie_stream
from fleet_squawk.api import InboxRequest, inbox

REPORTS: Final = 20
"""Reports of progress that are looked through for files."""

KEPT: Final = 200
"""Files, and notes, that a checkpoint keeps at most: they add up, and an event may not grow for ever."""

MAIL: Final = 5
"""Unread messages whose subjects are kept."""


def gather(
    decision: Decision,
    specialist_id: str,
    sortie: Sortie | None,
    trigger: Trigger,
    *,
    details: str = "",
    files: Iterable[str] = (),
    notes: Iterable[str] = (),
    next_steps: Iterable[str] = (),
) -> Context:
    """The context of a sortie, or of a specialist without one. Notes add up from one checkpoint to the
    next; next steps stay until others are given.
    """
    fleet = decision.fleet
    before = newest(fleet, sortie.sortie_id) if sortie else None
    reservations = _reservations(decision, specialist_id)
    mail = inbox(fleet, InboxRequest(mailbox=specialist_id, limit=MAIL))
    worked_on = [*(_reported(fleet, sortie) if sortie else ()), *files]
    return Context(
        trigger=trigger,
        details=details,
        taken_at=as_datetime(decision.now),
        specialist_id=specialist_id,
        files=_added(before.files if before else (), [*worked_on, *(each.pattern for each in reservations)]),
        notes=_added(before.notes if before else (), notes),
        next_steps=tuple(next_steps) or (before.next_steps if before else ()),
        reservations=reservations,
        unread=tuple(
            Mail(message_id=each.message_id, sender=each.sender, subject=each.subject)
            for each in mail.messages
        ),
        unread_total=mail.unread_total,
        git_head=head_of(fleet.project),
        **(_of_sortie(sortie) if sortie else {}),
    )


def _of_sortie(sortie: Sortie) -> dict[str, Any]:
    return {
        "sortie_id": sortie.sortie_id,
        "mission_id": sortie.mission_id,
        "title": sortie.title,
        "description": sortie.description,
        "status": sortie.status,
        "progress": sortie.progress,
        "last_message": sortie.status_message or "",
        "blockers": (sortie.blocked_reason,) if sortie.blocked_reason else (),
    }


def _added(before: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """What was known and what is new, each once; of very much the latest. All of it is in the log."""
    return tuple(dict.fromkeys([*before, *more]))[-KEPT:]


def _reservations(decision: Decision, specialist_id: str) -> tuple[Reservation, ...]:
    mine = {"holder": specialist_id, "kind": "file", "status": "held"}
    return tuple(
        Reservation(lease_id=lease.lease_id, pattern=lease.resources[0], shared=lease.shared)
        for lease in decision.view(LEASES).select(mine).items
    )


def _reported(fleet: Fleet, sortie: Sortie) -> list[str]:
    """The files that reports of progress named, the first one first."""
    own = Query.of(streams=(sortie_stream(sortie.sortie_id),), types=(SortieProgress.type_name,))
    reports = list(fleet.store.read(own, backwards=True, limit=REPORTS))
    return [
        artifact
        for event in reversed(reports)
        if isinstance(event.known, SortieProgress)
        for artifact in event.known.artifacts or ()
    ]


def head_of(project: Project) -> str:
    """The commit that is checked out in the current folder's worktree, if that is one of the project's,
    else in the project's own; empty where there is none. Read without git, which would take longer than all
    the rest.
    """
    here = Path.cwd()
    roots = [folder for folder in (here, *here.parents) if (folder / ".git").exists()]
    root = roots[0] if roots and main_worktree(roots[0]) == project.root else project.root
    try:
        return _head(_git_directory(root))
    except (OSError, UnicodeDecodeError):
        return ""


def _git_directory(root: Path) -> Path:
    git = root / ".git"
    return root / git.read_text().removeprefix("gitdir:").strip() if git.is_file() else git


def _head(git: Path) -> str:
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return head
    name = head.removeprefix("ref:").strip()
    common = git / "commondir"
    shared = git / common.read_text().strip() if common.exists() else git
    loose = shared / name
    if loose.exists():
        return loose.read_text().strip()
    packed = (shared / "packed-refs").read_text().splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")
