"""What this plugin contributes to a fleet."""

from collections.abc import Sequence
from typing import Any

from fleet_core.api import EventType, Projection, hookimpl


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    """The event types of messages and threads."""
    from fleet_squawk.events import EVENT_TYPES

    return EVENT_TYPES


@hookimpl
def fleet_projections() -> Sequence[Projection[Any]]:
    """Messages, mailboxes, cursors, conversations, and confirmations waited for."""
    from fleet_squawk.confirmations import UNACKNOWLEDGED
    from fleet_squawk.cursors import CURSORS
    from fleet_squawk.mailboxes import MAILBOXES
    from fleet_squawk.messages import MESSAGES
    from fleet_squawk.threads import THREADS

    return (MESSAGES, MAILBOXES, CURSORS, THREADS, UNACKNOWLEDGED)
