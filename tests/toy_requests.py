"""Toy operations that answer with what they were asked: requests of every shape that a command line meets."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from fleet_core.api import Fleet, Read, Write

Held = Annotated[
    Annotated[int, Meta(ge=1)] | None,
    Meta(description="The token you hold.", extra={"env": "TOY_TOKEN"}),
]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    weight: Annotated[int, Meta(gt=0)] = 1


class Pack(Write, frozen=True, kw_only=True):
    crate: str
    items: Annotated[tuple[Item, ...], Meta(description="What goes in.", min_length=1)]
    lid: Item | None = None
    shelf: str = "top"
    floor: int = 0
    packed_at: datetime | None = None


class Label(Read, frozen=True, kw_only=True):
    crate: str
    colours: tuple[str, ...]
    size: Literal["small", "large"] = "small"
    marks: dict[str, Item] = {}


class Weigh(Read, frozen=True, kw_only=True):
    crate: str
    token: Held = None
    parts: Annotated[dict[str, int], Meta(description="What each part weighs.")] = {}
    notes: dict[str, str] | None = None


class Open(Write, frozen=True, kw_only=True):
    token: Annotated[int, Meta(description="The token you hold.", extra={"env": "TOY_TOKEN"})]
    amounts: Annotated[dict[str, float], Meta(min_length=1)]


def pack(fleet: Fleet, request: Pack) -> dict[str, Any]:
    """Pack a crate."""
    return _said(request)


def label(fleet: Fleet, request: Label) -> dict[str, Any]:
    """Put labels on a crate."""
    return _said(request)


def weigh(fleet: Fleet, request: Weigh) -> dict[str, Any]:
    """Weigh a crate."""
    return _said(request)


def open_crate(fleet: Fleet, request: Open) -> dict[str, Any]:
    """Open a crate."""
    return _said(request)


def _said(request: msgspec.Struct) -> dict[str, Any]:
    """The fields that are not as they are by default."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(request)}
    said = msgspec.structs.asdict(request).items()
    return {name: value for name, value in said if value not in (defaults[name], {})}
