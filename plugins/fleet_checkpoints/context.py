"""What a checkpoint holds: where a sortie stood, and what the next one to work on it must know."""

from datetime import datetime
from typing import Literal

import msgspec

Trigger = Literal["manual", "progress", "error", "compaction"]
"""Why a checkpoint was made: somebody wished it, progress crossed a quarter, something failed, or history was
about to be compacted."""


class Reservation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reservation that was held."""

    lease_id: str
    pattern: str
    shared: bool = False


class Mail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that was not read yet."""

    message_id: str
    sender: str | None = None
    subject: str = ""


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The context of a sortie, or of a specialist without one.

    `progress` is a percentage, `details` what made for the checkpoint, such as the quarter that was crossed.
    `files` are those that were worked on, `git_head` the commit that was checked out.
    """

    trigger: Trigger
    details: str = ""
    taken_at: datetime
    specialist_id: str
    sortie_id: str | None = None
    mission_id: str | None = None
    title: str = ""
    description: str = ""
    status: str = ""
    progress: int = 0
    last_message: str = ""
    blockers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    unread: tuple[Mail, ...] = ()
    unread_total: int = 0
    git_head: str = ""
