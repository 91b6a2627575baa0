"""What can be set for the store `jsonl`."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.jsonl]` of fleet.toml."""

    file: Annotated[str, Meta(description="The file's name within the project's directory.")] = "events.jsonl"
