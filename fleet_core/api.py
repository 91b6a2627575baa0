"""The one door for plugins: what stands here is stable, everything else of the core may change any day.

Names are added, not renamed; what must go is deprecated for one minor release first. Built-in plugins use
nothing else, and a test says so.
"""

from fleet_core.errors import (
    ConditionFailed,
    Conflict,
    Damaged,
    Exit,
    Fenced,
    FleetError,
    IdReused,
    Invalid,
    NotFound,
    NothingReady,
    OutcomeUnknown,
    PluginBroken,
    ProblemsFound,
    Unavailable,
    Usage,
    VersionConflict,
)
from fleet_core.events import (
    Clock,
    Codec,
    EventCodec,
    EventType,
    IdSource,
    NewEvent,
    Prepared,
    Recorded,
    Row,
    StoredId,
    Upcaster,
    Uuid7,
    as_datetime,
    as_microseconds,
    decode_fault,
    id_text,
    stored_id,
    system_clock,
    timestamp,
)
from fleet_core.hooks import hookimpl
from fleet_core.projections import FoldedView, Page, Projection, check_field, fold
from fleet_core.stores import (
    ALL,
    Appended,
    Batch,
    Condition,
    EventStore,
    Expected,
    Finding,
    Maintenance,
    Match,
    Query,
    StoreInfo,
    Stream,
    Verification,
    Views,
    ViewState,
    check_batches,
)
