"""What can be set for the store `jsonl` and the service `notes`."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.jsonl]` of fleet.toml."""

    file: Annotated[str, Meta(description="The file's name within the project's directory.")] = "events.jsonl"


class NoteServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[services.NAME]` of fleet.toml, with `provider = "notes"`."""

    port: Annotated[
        int, Meta(description="Where the server listens; 0 for any free port.", ge=0, lt=65536)
    ] = 0
