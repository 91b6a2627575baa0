"""Field types that event types of every domain share. A plugin imports them from `fleet_core.api`.

Their bounds are those of the FleetTools schemas: integers are what a JavaScript reader holds exactly.
"""

from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta

_LARGEST: Final = 2**53 - 1

_UUID: Final = (
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    "|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$"
)

# The length is bounded too because `$` would let a line feed follow.
Uuid = Annotated[str, Meta(pattern=_UUID, max_length=36, extra_json_schema={"format": "uuid"})]
"""A UUID of RFC 9562 as text: versions 1 to 8, nil or max, in either case of letters."""

Moment = Annotated[datetime, Meta(tz=True)]
"""A point in time; a datetime without a time zone is refused. Stored as RFC 3339 text."""

Integer = Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
"""A whole number that every JSON reader holds exactly: at most 2**53 - 1 either way."""

PositiveInteger = Annotated[int, Meta(gt=0, le=_LARGEST)]
"""A whole number from 1 to 2**53 - 1."""

Percent = Annotated[int, Meta(ge=0, le=100)]
"""A whole number from 0 to 100."""

PositiveNumber = Annotated[float, Meta(gt=0)]
"""A number above 0."""

JsonObject = dict[str, Any]
"""A JSON object whose content its writer decides. Treat it as immutable, as the event that holds it."""
