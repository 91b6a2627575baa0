"""The event types of all domains: their names, their constraints, and that every one survives both codecs."""

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from event_strategies import events
from fleet_core.api import Codec, EventCodec, EventType, Invalid, NewEvent
from fleet_msgspec.codecs import JsonCodec, MsgpackCodec

FLEETTOOLS: dict[str, str] = {
    "specialist_registered": "fleet_specialists",
    "specialist_active": "fleet_specialists",
    "specialist_spawned": "fleet_specialists",
    "specialist_completed": "fleet_specialists",
    "squawk_sent": "fleet_squawk",
    "squawk_read": "fleet_squawk",
    "squawk_acked": "fleet_squawk",
    "squawk_thread_created": "fleet_squawk",
    "squawk_thread_activity": "fleet_squawk",
    "ctk_reserved": "fleet_ctk",
    "ctk_released": "fleet_ctk",
    "ctk_conflict": "fleet_ctk",
    "mission_created": "fleet_missions",
    "mission_started": "fleet_missions",
    "mission_completed": "fleet_missions",
    "sortie_created": "fleet_missions",
    "sortie_started": "fleet_missions",
    "sortie_progress": "fleet_missions",
    "sortie_completed": "fleet_missions",
    "sortie_blocked": "fleet_missions",
    "sortie_updated": "fleet_missions",
    "sortie_status_changed": "fleet_missions",
    "sortie_closed": "fleet_missions",
    "review_started": "fleet_missions",
    "review_completed": "fleet_missions",
    "checkpoint_created": "fleet_checkpoints",
    "fleet_checkpointed": "fleet_checkpoints",
    "fleet_recovered": "fleet_checkpoints",
    "context_injected": "fleet_checkpoints",
    "context_compacted": "fleet_compaction",
    "compaction_triggered": "fleet_compaction",
    "fleet_detected": "fleet_legacy",
    "pattern_learned": "fleet_stubs",
    "pattern_applied": "fleet_stubs",
    "pattern_deprecated": "fleet_stubs",
    "feedback_received": "fleet_stubs",
    "skill_acquired": "fleet_stubs",
    "memory_stored": "fleet_stubs",
    "memory_retrieved": "fleet_stubs",
    "memory_expired": "fleet_stubs",
    "memory_invalidated": "fleet_stubs",
    "history_recorded": "fleet_stubs",
    "history_queried": "fleet_stubs",
    "history_pruned": "fleet_stubs",
    "skill_registered": "fleet_stubs",
    "skill_invoked": "fleet_stubs",
    "skill_result": "fleet_stubs",
    "dispatch_evaluated": "fleet_stubs",
    "dispatch_assigned": "fleet_stubs",
    "dispatch_rejected": "fleet_stubs",
    "validation_started": "fleet_stubs",
    "validation_passed": "fleet_stubs",
    "validation_failed": "fleet_stubs",
}
"""Every event type of FleetTools, and the plugin that owns it."""

SPECIFIED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "phase2-spec.json").read_text())

Contributed = dict[str, tuple[str, type[EventType]]]


def contributed() -> Contributed:
    """Every type that an installed domain contributes, by name, with the domain's package."""
    found: Contributed = {}
    for entry in metadata.entry_points().select(group="fleet.domains"):
        plugin = entry.load()
        for event_type in getattr(plugin, "fleet_event_types", list)():
            assert event_type.type_name not in found
            found[event_type.type_name] = (entry.module.partition(".")[0], event_type)
    return found


CONTRIBUTED = contributed()
TYPES = {name: event_type for name, (_, event_type) in CONTRIBUTED.items()}

each_type = pytest.mark.parametrize("name", TYPES)
each_specified = pytest.mark.parametrize("name", FLEETTOOLS)
each_codec = pytest.mark.parametrize("codec", [JsonCodec(), MsgpackCodec()], ids=lambda codec: codec.name)


def test_there_are_53_fleettools_types() -> None:
    assert len(FLEETTOOLS) == 53
    assert set(FLEETTOOLS) == set(SPECIFIED) - {"event_envelope"}


@each_specified
def test_a_fleettools_type_is_contributed_by_its_owner(name: str) -> None:
    assert CONTRIBUTED[name][0] == FLEETTOOLS[name]


@each_type
def test_a_type_lives_in_the_package_that_contributes_it(name: str) -> None:
    package, event_type = CONTRIBUTED[name]
    assert event_type.__module__.partition(".")[0] == package


def structs_in(part: Any) -> Iterator[type[msgspec.Struct]]:
    """Every struct that a type is made of."""
    if isinstance(part, type) and issubclass(part, msgspec.Struct):
        yield part
        for field in msgspec.structs.fields(part):
            yield from structs_in(field.type)
    for inner in get_args(part):
        yield from structs_in(inner)


@each_type
def test_a_type_and_each_struct_in_it_is_frozen(name: str) -> None:
    assert all(struct.__struct_config__.frozen for struct in structs_in(TYPES[name]))


@each_type
def test_a_type_says_what_it_means(name: str) -> None:
    assert (TYPES[name].__doc__ or "").strip().endswith(".")


# The constraints, compared as JSON schemas.


def ours(event_type: type[EventType]) -> dict[str, Any]:
    """The JSON schema that msgspec derives from a type, in the dialect of the specification."""
    schema = msgspec.json.schema(event_type)
    return plain(schema["$defs"][event_type.__name__], schema["$defs"])


def plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A schema without references, null, words for people, and what says nothing."""
    if "$ref" in schema:
        return plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        # An optional field also takes null, which the specification forgets; it means the field is absent.
        inner, nothing = schema["anyOf"]
        assert nothing == {"type": "null"}
        assert schema["default"] is None
        return plain(inner, definitions)
    kept = {key: value for key, value in schema.items() if key not in SILENT}
    if kept.get("format") == "date-time":
        # The specification's pattern admits UTC only; here any offset will do.
        kept.pop("pattern", None)
    if kept.get("additionalProperties") == {}:
        del kept["additionalProperties"]
    if "enum" in kept:
        kept = {**kept, "enum": sorted(kept["enum"]), "type": "string"}
    for key in ("items", "additionalProperties"):
        if key in kept:
            kept[key] = plain(kept[key], definitions)
    if "properties" in kept:
        kept["properties"] = {key: plain(value, definitions) for key, value in kept["properties"].items()}
        kept["required"] = sorted(kept.get("required", []))
    return kept


SILENT = {"$schema", "x-stub", "title", "description", "propertyNames", "maxLength"}
"""`propertyNames` says that keys are text. `maxLength` is the length that the pattern of UUIDs implies."""


@each_specified
def test_a_type_has_exactly_the_constraints_of_the_specification(name: str) -> None:
    specified = plain(SPECIFIED[name], {})
    assert _without_additions(ours(TYPES[name]), specified) == specified


def _without_additions(schema: Any, specified: Any) -> Any:
    """A schema without the optional fields that FleetTools does not know, which its readers pass over."""
    if not isinstance(schema, dict) or not isinstance(specified, dict):
        return schema
    added = schema.get("properties", {}).keys() - specified.get("properties", {}).keys()
    kept = {key: value for key, value in schema.items() if key != "properties"}
    assert added.isdisjoint(schema.get("required", ()))
    properties = {
        name: _without_additions(each, specified["properties"].get(name))
        for name, each in schema.get("properties", {}).items()
        if name not in added
    }
    return kept | ({"properties": properties} if "properties" in schema else {})


# The constraints, tried out: values just within and just beyond each of them.

UUID = "018f2c4e-5a1b-7c3d-8e4f-0123456789ab"


def smallest(schema: dict[str, Any]) -> Any:
    """A valid value without anything optional."""
    match schema:
        case {"enum": [first, *_]}:
            return first
        case {"format": "uuid"}:
            return UUID
        case {"format": "date-time"}:
            return "2026-01-02T10:21:32Z"
        case {"type": "object"}:
            return {key: smallest(schema["properties"][key]) for key in schema.get("required", [])}
    return {"string": "", "integer": 1, "number": 1.5, "boolean": False, "array": []}[schema["type"]]


def accepted(schema: dict[str, Any]) -> Iterator[Any]:
    """Values at the edge of what is valid."""
    yield smallest(schema)
    match schema:
        case {"enum": choices}:
            yield from choices
        case {"format": "uuid"}:
            yield from (UUID.upper(), "0" * 8 + "-0000-0000-0000-" + "0" * 12)
        case {"format": "date-time"}:
            yield from ("2024-02-29T00:00:00.123456Z", "2026-01-02T10:21:32+05:30")
        case {"type": "string"}:
            yield from ("ü 🚀\n\"'\\", "x" * 10_000)
        case {"type": "integer", "exclusiveMinimum": low, "maximum": high}:
            yield from (low + 1, high)
        case {"type": "integer", "minimum": low, "maximum": high}:
            yield from (low, high)
        case {"type": "number"}:
            yield from (5e-324, 1, 1.7e308)
        case {"type": "array", "items": items}:
            yield list(accepted(items))
        case {"type": "object", "properties": properties}:
            for key, inner in properties.items():
                yield from ({**smallest(schema), key: value} for value in accepted(inner))
        case {"type": "object"}:
            yield {"key": smallest(schema.get("additionalProperties", {"type": "string"}))}


def themselves(*values: Any) -> list[tuple[str, Any]]:
    """Values that are wrong as a whole."""
    return [("", value) for value in values]


def refused(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values just beyond what is valid, each with the path of its fault."""
    match schema:
        case {"enum": _}:
            yield from themselves("no such choice", "", 1, [])
        case {"format": "uuid"}:
            yield from themselves("", UUID[:-1], UUID + "\n", UUID.replace("7c3d", "9c3d"), 1)
        case {"format": "date-time"}:
            yield from themselves("2026-01-02T10:21:32", "2026-02-29T00:00:00Z", "today", 1)
        case {"type": "string"}:
            yield from themselves(1, True, {}, [])
        case {"type": "integer", "maximum": high}:
            low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            yield from themselves(low - 1, high + 1, 10**30, 1.5, "1", True)
        case {"type": "number"}:
            yield from themselves("1", True)
            if "exclusiveMinimum" in schema:
                yield "", schema["exclusiveMinimum"]
        case {"type": "boolean"}:
            yield from themselves(0, "true")
        case {"type": "array", "items": items}:
            yield "", {}
            yield from ((f"[1]{path}", [smallest(items), value]) for path, value in refused(items))
        case {"type": "object", "additionalProperties": values}:
            yield from ((f"[...]{path}", {"key": value}) for path, value in refused(values))
        case {"type": "object", "properties": properties}:
            whole = smallest(schema)
            for key in schema["required"]:
                yield "", {name: value for name, value in whole.items() if name != key}
            for key, inner in properties.items():
                yield from ((f".{key}{path}", {**whole, key: value}) for path, value in refused(inner))


@each_specified
def test_a_value_within_the_specification_is_accepted(name: str) -> None:
    codec = EventCodec(JsonCodec(), [TYPES[name]])
    for data in accepted(plain(SPECIFIED[name], {})):
        assert codec.prepare(NewEvent(type=name, data=data)).type == name


@each_specified
def test_a_value_beyond_the_specification_is_refused_with_its_path(name: str) -> None:
    codec = EventCodec(JsonCodec(), [TYPES[name]])
    for path, data in refused(plain(SPECIFIED[name], {})):
        with pytest.raises(Invalid) as refusal:
            codec.prepare(NewEvent(type=name, data=data))
        assert refusal.value.path == f"$.data{path}"


@each_specified
def test_an_optional_field_may_be_null_and_then_is_absent(name: str) -> None:
    codec = EventCodec(JsonCodec(), [TYPES[name]])
    schema = ours(TYPES[name])
    optional = {key for key in schema["properties"] if key not in schema["required"]}
    without_value = {key for key in optional if "default" not in schema["properties"][key]}
    event = codec.decode(name, 1, json.dumps(smallest(schema) | dict.fromkeys(without_value)).encode())
    assert not without_value & set(json.loads(JsonCodec().encode(event)))


# The codecs carry every one of them.


@each_type
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=st.data())
def test_every_event_survives_both_codecs_in_canonical_bytes(name: str, draw: st.DataObject) -> None:
    event = draw.draw(events(TYPES[name]))
    for codec in (JsonCodec(), MsgpackCodec()):
        data = codec.encode(event)
        again = codec.decoder(TYPES[name])(data)
        assert again == event
        assert codec.encode(again) == data


@each_type
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=st.data())
def test_an_event_and_its_plain_data_are_the_same_bytes(name: str, draw: st.DataObject) -> None:
    event = draw.draw(events(TYPES[name]))
    for codec in (JsonCodec(), MsgpackCodec()):
        data = codec.encode(event)
        assert codec.encode(codec.decoder(Any)(data)) == data


@each_codec
@each_type
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=st.data())
def test_a_damaged_event_is_refused_or_still_an_event(codec: Codec, name: str, draw: st.DataObject) -> None:
    data = bytearray(codec.encode(draw.draw(events(TYPES[name]))))
    if data:
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        event = codec.decoder(TYPES[name])(bytes(data))
    except Invalid:
        return
    assert codec.decoder(TYPES[name])(codec.encode(event, foreign=True)) == event
