"""What the outsider offers: the store `jsonl`, the codec `zipped`, the service and the domain `notes`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fleet_core.api import (
    Clock,
    Codec,
    EventCodec,
    EventStore,
    EventType,
    Projection,
    ServiceProvider,
    checked,
    hookimpl,
)


@hookimpl
def fleet_open_store(
    settings: dict[str, Any], codec: EventCodec, clock: Clock, directory: Path
) -> EventStore:
    """Open the text file in the project's directory."""
    from .settings import Settings
    from .store import TextFileStore

    chosen = checked(settings, Settings, "[plugins.jsonl]")
    return TextFileStore(directory / chosen.file, codec, clock)


@hookimpl
def fleet_make_codec() -> Codec:
    """Make the codec `zipped`."""
    from .codec import ZippedCodec

    return ZippedCodec()


@hookimpl
def fleet_make_provider(service: str, settings: dict[str, Any], directory: Path) -> ServiceProvider:
    """Make the provider of a note server in the project's directory."""
    from .service import NoteProvider
    from .settings import NoteServerSettings

    return NoteProvider(service, checked(settings, NoteServerSettings, f"[services.{service}]"), directory)


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    """The event types of notes."""
    from .notes import NoteAdded

    return (NoteAdded,)


@hookimpl
def fleet_projections() -> Sequence[Projection[Any]]:
    """The notes there are."""
    from .notes import NOTES

    return (NOTES,)
