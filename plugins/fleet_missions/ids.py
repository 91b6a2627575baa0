"""Ids of missions and sorties: short, lower-case, and sorted by creation."""

from typing import Annotated, Final

from msgspec import Meta

from fleet_core.api import IdSource

LONGEST_ID: Final = 100
"""Characters of the longest id: short enough to be a tag."""

MissionId = Annotated[
    str, Meta(description="The mission's id.", min_length=1, max_length=LONGEST_ID, pattern=r"^[^\s/]+$")
]
"""A mission's id as requests take it."""

SortieId = Annotated[
    str, Meta(description="The sortie's id.", min_length=1, max_length=LONGEST_ID, pattern=r"^[^\s/]+$")
]
"""A sortie's id as requests take it."""


def new_id(prefix: str, ids: IdSource) -> str:
    """A new id such as `msn-01a200627320000f3a91`.

    Of a UUIDv7 it keeps the time (48 bits), the counter (12) and 20 random bits, in hexadecimal, which
    sorts as numbers do. Should two processes draw the same one, the second create is decided anew.
    """
    drawn = int.from_bytes(ids(), "big")
    kept = drawn >> 80 << 32 | (drawn >> 64 & 0xFFF) << 20 | drawn & 0xFFFFF
    return f"{prefix}-{kept:020x}"
