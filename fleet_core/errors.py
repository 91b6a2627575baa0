"""What can go wrong, as a person or a program meets it.

Every error says what failed, whose fault it is, and the next step. This module imports nothing heavy,
so that `fleet --help` and shell completion stay light.
"""

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """Exit statuses of the `fleet` command. They are part of its interface and never change meaning."""

    OK = 0
    FAILED = 1
    """Something went wrong that no other status describes."""
    USAGE = 2
    """The command line is not one that fleet understands."""
    NOT_FOUND = 3
    """What was named does not exist."""
    NOTHING_READY = 4
    """There is nothing to hand out at the moment; not a failure."""
    FENCED = 5
    """The lease under which this was written is over; somebody else may hold it."""
    CONFLICT = 6
    """Somebody was first, or the thing is not in a state that allows this."""
    INVALID = 7
    """The data breaks a rule; the message names the place."""
    UNAVAILABLE = 8
    """A service, a lock or a deadline: trying again may help."""
    PLUGIN_BROKEN = 9
    """An installed plugin can't be loaded or breaks its contract."""
    PROBLEMS_FOUND = 10
    """A check ran and found problems."""
    INTERRUPTED = 130
    """Ctrl-C."""


class FleetError(Exception):
    """The root of every error fleet raises on purpose.

    `message` says what happened to what, `remedy` the next step, and `details` carries what a program
    wants to read (they join the JSON error object). No secret belongs in any of them.
    """

    code: ClassVar[str] = "FAILED"
    exit: ClassVar[Exit] = Exit.FAILED

    def __init__(self, message: str, *, remedy: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = details

    def as_dict(self) -> dict[str, object]:
        """The error object of the JSON envelope."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy, **self.details}


class Usage(FleetError):
    """The request itself makes no sense; the caller must change it."""

    code = "USAGE"
    exit = Exit.USAGE


class NotFound(FleetError):
    """A name or id that nothing answers to. Never answered by an empty list."""

    code = "NOT_FOUND"
    exit = Exit.NOT_FOUND


class NothingReady(FleetError):
    """Nothing can be handed out now."""

    code = "NOTHING_READY"
    exit = Exit.NOTHING_READY


class Fenced(FleetError):
    """A write under a lease that is over."""

    code = "FENCED"
    exit = Exit.FENCED


class Conflict(FleetError):
    """A concurrent change was first, or a state forbids the move. Nothing was changed."""

    code = "CONFLICT"
    exit = Exit.CONFLICT


class VersionConflict(Conflict):
    """A stream was not at the expected version. `expected` and `actual` say how; read again and decide
    again.
    """

    code = "VERSION_CONFLICT"

    def __init__(self, stream: str, *, expected: str, actual: int) -> None:
        super().__init__(
            f"stream {stream} is at version {actual}, not {expected}",
            remedy="read the stream again and decide on what it says now",
            stream=stream,
            expected=expected,
            actual=actual,
        )
        self.expected = expected
        self.actual = actual


class ConditionFailed(Conflict):
    """An event that the append's condition excludes was recorded first; `position` says where."""

    code = "CONDITION_FAILED"

    def __init__(self, position: int) -> None:
        super().__init__(
            f"an event that the condition excludes stands at position {position}",
            remedy="read again up to that position and decide on what it says now",
            position=position,
        )
        self.position = position


class IdReused(Conflict):
    """An event id that is recorded already, with other content or elsewhere."""

    code = "ID_REUSED"

    def __init__(self, event_id: str, why: str) -> None:
        super().__init__(
            f"event id {event_id} {why}",
            remedy="a retry must send the same events to the same stream; anything new needs a new id",
            event_id=event_id,
        )


class Invalid(FleetError):
    """Data that breaks a rule. `path` is the place of the fault, in JSONPath, `$` being the whole."""

    code = "INVALID"
    exit = Exit.INVALID

    def __init__(self, message: str, *, path: str = "$", remedy: str = "", **details: object) -> None:
        super().__init__(message, remedy=remedy, path=path, **details)
        self.path = path


class Unavailable(FleetError):
    """A resource that is busy, gone or too slow. The same call may succeed later."""

    code = "UNAVAILABLE"
    exit = Exit.UNAVAILABLE


class TimedOut(Unavailable):
    """What was waited for did not happen in the time given."""

    code = "TIMED_OUT"


class OutcomeUnknown(Unavailable):
    """The disk or the connection failed while writing: the events may or may not be recorded.

    Look their ids up, or send the same events again: they are recorded once.
    """

    code = "OUTCOME_UNKNOWN"


class ServiceFailed(Unavailable):
    """A service that can't be started, stopped or asked; `fault` names what is wrong with it."""

    code = "SERVICE_FAILED"


class Damaged(FleetError):
    """Stored data is not what was written."""

    code = "DAMAGED"
    exit = Exit.PROBLEMS_FOUND


class PluginBroken(FleetError):
    """A plugin that can't be loaded or breaks its contract; names distribution, version and remedy."""

    code = "PLUGIN_BROKEN"
    exit = Exit.PLUGIN_BROKEN


class ProblemsFound(FleetError):
    """A check that ran to its end and found problems."""

    code = "PROBLEMS_FOUND"
    exit = Exit.PROBLEMS_FOUND
