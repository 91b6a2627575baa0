"""The names under which an earlier fleet's facts are recorded. Light: every command that opens a store reads
it.
"""

from typing import Final

SQUAWK: Final = "squawk"
"""The stream type of a mailbox's events."""

MAILBOX: Final = "mailbox"
"""The stream type of what a file says of a mailbox itself."""

CURSOR: Final = "cursor"
"""The stream type of what a file says of a cursor."""

LOCK: Final = "ctk"
"""The stream type of a lock's events."""

RESERVED: Final = "ctk_reserved"
"""The type of the event that a lock becomes."""

RELEASED: Final = "ctk_released"
"""The type of the event that a lock's release becomes."""

FOREIGN: Final = 0
"""The schema version of data that no type of ours describes."""
