"""Notes: what happens to them, and what they are."""

from datetime import datetime
from typing import ClassVar, Final

import msgspec

from fleet_core.api import EventType, Projection, Recorded, Stream


class NoteAdded(EventType, frozen=True, kw_only=True):
    """Somebody wrote a note."""

    type_name: ClassVar[str] = "outsider_note_added"

    text: str
    author: str | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A note."""

    note_id: str
    text: str
    author: str | None
    added_at: datetime


def stream(note_id: str) -> Stream:
    """The stream of a note's events."""
    return Stream("outsider_note", note_id)


def evolve(state: Note | None, event: Recorded) -> Note | None:
    """The note after an event."""
    data = event.data
    if not isinstance(data, NoteAdded):
        return state
    return Note(note_id=event.stream_id, text=data.text, author=data.author, added_at=event.occurred_at)


NOTES: Final = Projection(
    name="outsider_notes",
    state=Note,
    types=(NoteAdded.type_name,),
    key=lambda event: event.stream_id,
    evolve=evolve,
)
"""The notes there are, by id."""
