"""The one door for plugins: what stands here is stable, everything else of the core may change any day.

Names are added, not renamed; what must go is deprecated for one minor release first. Built-in plugins use
nothing else, and a test says so.
"""

from typing import TYPE_CHECKING, Any

from fleet_core.checks import CheckResult
from fleet_core.codecs import Codec, EventCodec, Upcaster, decode_fault
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
    ServiceFailed,
    TimedOut,
    Unavailable,
    Usage,
    VersionConflict,
)
from fleet_core.events import EventType, NewEvent, Prepared, Recorded, Row
from fleet_core.fields import Integer, JsonObject, Moment, Percent, PositiveInteger, PositiveNumber, Uuid
from fleet_core.hooks import hookimpl
from fleet_core.ids import IdSource, StoredId, Uuid7, check_name, id_text, stored_id
from fleet_core.moments import AsOf
from fleet_core.notices import Notice
from fleet_core.operations import Decision, Done, Outcome, Read, Write
from fleet_core.project import Project, main_worktree
from fleet_core.projections import (
    AtMost,
    FoldedView,
    Page,
    Projection,
    View,
    check_field,
    check_order,
    check_where,
    check_words,
    fold,
    words_of,
)
from fleet_core.settings import Settings, checked
from fleet_core.settings import load as load_settings
from fleet_core.stores import (
    ALL,
    Appended,
    Batch,
    Condition,
    EventStore,
    Expected,
    Finding,
    Grants,
    Maintenance,
    Match,
    Movable,
    Ordering,
    Pipelining,
    Progress,
    Query,
    Searching,
    StoreInfo,
    Stream,
    Timekeeping,
    Verification,
    Views,
    ViewState,
    check_batches,
)
from fleet_core.times import (
    Clock,
    Instant,
    Timekeeper,
    as_datetime,
    as_microseconds,
    machine_instant,
    system_clock,
    timestamp,
)

if TYPE_CHECKING:
    from fleet_core.catalog import Catalog
    from fleet_core.cli.group import catalog_of
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import json_option, show
    from fleet_core.commits import GroupCommit
    from fleet_core.fleet import Fleet
    from fleet_core.plugins import Plugins
    from fleet_core.services import Console, Fault, Report, ServiceProvider, ServiceStatus
    from fleet_core.waiting import Look, wait_for

__all__ = [
    "ALL",
    "Appended",
    "AsOf",
    "AtMost",
    "Batch",
    "Catalog",
    "CheckResult",
    "Clock",
    "Codec",
    "Condition",
    "ConditionFailed",
    "Conflict",
    "Console",
    "Damaged",
    "Decision",
    "Done",
    "EventCodec",
    "EventStore",
    "EventType",
    "Exit",
    "Expected",
    "Fault",
    "Fenced",
    "Finding",
    "Fleet",
    "FleetError",
    "FoldedView",
    "Grants",
    "GroupCommit",
    "IdReused",
    "IdSource",
    "Instant",
    "Integer",
    "Invalid",
    "JsonObject",
    "Look",
    "Maintenance",
    "Match",
    "Moment",
    "Movable",
    "NewEvent",
    "NotFound",
    "NothingReady",
    "Notice",
    "Ordering",
    "Outcome",
    "OutcomeUnknown",
    "Page",
    "Percent",
    "Pipelining",
    "PluginBroken",
    "Plugins",
    "PositiveInteger",
    "PositiveNumber",
    "Prepared",
    "ProblemsFound",
    "Progress",
    "Project",
    "Projection",
    "Query",
    "Read",
    "Recorded",
    "Report",
    "Row",
    "Searching",
    "ServiceFailed",
    "ServiceProvider",
    "ServiceStatus",
    "Settings",
    "StoreInfo",
    "StoredId",
    "Stream",
    "TimedOut",
    "Timekeeper",
    "Timekeeping",
    "Unavailable",
    "Upcaster",
    "Usage",
    "Uuid",
    "Uuid7",
    "Verification",
    "VersionConflict",
    "View",
    "ViewState",
    "Views",
    "Write",
    "as_datetime",
    "as_microseconds",
    "catalog_of",
    "check_batches",
    "check_field",
    "check_name",
    "check_order",
    "check_where",
    "check_words",
    "checked",
    "decode_fault",
    "fold",
    "hookimpl",
    "id_text",
    "json_option",
    "load_settings",
    "machine_instant",
    "main_worktree",
    "open_fleet",
    "show",
    "stored_id",
    "system_clock",
    "timestamp",
    "wait_for",
    "words_of",
]


_ON_DEMAND = {
    "Catalog": "fleet_core.catalog",
    "Console": "fleet_core.services",
    "Fault": "fleet_core.services",
    "Fleet": "fleet_core.fleet",
    "GroupCommit": "fleet_core.commits",
    "Look": "fleet_core.waiting",
    "Plugins": "fleet_core.plugins",
    "Report": "fleet_core.services",
    "ServiceProvider": "fleet_core.services",
    "ServiceStatus": "fleet_core.services",
    "catalog_of": "fleet_core.cli.group",
    "json_option": "fleet_core.cli.render",
    "open_fleet": "fleet_core.cli.opening",
    "show": "fleet_core.cli.render",
    "wait_for": "fleet_core.waiting",
}
"""Imported when asked for: what wires everything, and what few plugins need, such as those with services."""


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_ON_DEMAND[name]), name)
