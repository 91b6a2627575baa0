"""What can be done with notes."""

from typing import Annotated

from msgspec import Meta

from fleet_core.api import Conflict, Decision, Done, Fleet, Page, Read, Stream, Write

from .notes import NOTES, Note, NoteAdded, stream


class AddNote(Write, frozen=True, kw_only=True):
    """A note to write."""

    note: Annotated[str, Meta(description="The note's id.", min_length=1, max_length=50)]
    text: Annotated[str, Meta(description="What to write.", min_length=1)]
    author: Annotated[str | None, Meta(description="Who writes it.")] = None


class ListNotes(Read, frozen=True, kw_only=True):
    """Which notes."""

    author: Annotated[str | None, Meta(description="Only those of this author.")] = None


def add(fleet: Fleet, request: AddNote) -> Done[Note]:
    """Write a note.

    Example: fleet note add shopping "two lemons" --author ada
    """

    def decide(decision: Decision) -> Stream:
        target = stream(request.note)
        if decision.look(NOTES, target) is not None:
            raise Conflict(f"there is a note {request.note!r} already", remedy="choose another id")
        decision.record(target, NoteAdded(text=request.text, author=request.author))
        return target

    return fleet.decide(request, NOTES, decide)


def list_notes(fleet: Fleet, request: ListNotes) -> Page[Note]:
    """List the notes there are.

    Example: fleet note list --author ada
    """
    where = {} if request.author is None else {"author": request.author}
    return fleet.view(NOTES, request.as_of).select(where)
