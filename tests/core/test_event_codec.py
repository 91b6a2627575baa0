"""Preparing events for a store and reading them back: validation, limits, versions."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from fleet_core.codecs import MAX_TAGS, EventCodec, Upcaster
from fleet_core.errors import Invalid, PluginBroken
from fleet_core.events import EventType, NewEvent, Recorded, Row
from fleet_core.ids import stored_id
from fleet_core.testing.codecs import JsonCodec

UUID = "018f2c4e-5a1b-7c3d-8e4f-0123456789ab"


class Moved(EventType, frozen=True, kw_only=True):
    """Version 3 of a type: `name` was called `who`, and `speed` was in miles per hour."""

    type_name = "moved"
    schema_version = 3

    name: str
    kilometres_per_hour: Annotated[float, Meta(ge=0)] = 0.0


class MovedElsewhere(EventType, frozen=True, kw_only=True):
    """Another class of the same name."""

    type_name = "moved"


class Unregistered(EventType, frozen=True, kw_only=True):
    """A type that no plugin contributed."""

    type_name = "unregistered"

    count: Annotated[int, Meta(ge=0)]


def renamed(data: dict[str, Any]) -> dict[str, Any]:
    return {("name" if key == "who" else key): value for key, value in data.items()}


def metric(data: dict[str, Any]) -> dict[str, Any]:
    return {"name": data["name"], "kilometres_per_hour": data.get("speed", 0) * 1.609344}


HISTORY = (Upcaster("moved", 1, renamed), Upcaster("moved", 2, metric))


def codec(*upcasters: Upcaster, max_bytes: int = 1_048_576) -> EventCodec:
    return EventCodec(JsonCodec(), [Moved], upcasters, max_bytes=max_bytes)


def refusal(call: Callable[..., object], *args: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        call(*args)
    return caught.value


# Preparing.


def test_a_typed_event_is_encoded_under_its_name_and_version() -> None:
    prepared = codec().prepare(Moved(name="ada"))
    assert (prepared.type, prepared.schema_version, prepared.data) == ("moved", 3, b'{"name":"ada"}')


def test_an_event_without_more_words_leaves_the_rest_to_the_store() -> None:
    prepared = codec().prepare(Moved(name="ada"))
    assert (prepared.given_id, prepared.tags, prepared.metadata) == (False, (), None)
    assert (prepared.causation_id, prepared.correlation_id, prepared.occurred_at) == (None, None, None)


def test_each_event_gets_an_id_of_its_own() -> None:
    prepare = codec().prepare
    assert prepare(Moved(name="ada")).id != prepare(NewEvent(data=Moved(name="ada"))).id


def test_what_a_caller_says_about_an_event_is_kept() -> None:
    prepared = codec().prepare(
        NewEvent(
            data=Moved(name="ada"),
            id=UUID,
            tags=("b", "a", "b"),
            metadata={"by": "me"},
            causation_id="evt-1",
            correlation_id=UUID,
            occurred_at=0,
        )
    )
    assert (prepared.id, prepared.given_id) == (stored_id(UUID), True)
    assert prepared.tags == ("a", "b")
    assert prepared.metadata == b'{"by":"me"}'
    assert (prepared.causation_id, prepared.correlation_id) == ("evt-1", stored_id(UUID))
    assert prepared.occurred_at == 0


def test_plain_data_of_a_known_type_gets_its_current_version() -> None:
    assert codec().prepare(NewEvent(type="moved", data={"name": "ada"})).schema_version == 3


def test_data_of_a_type_that_nobody_knows_is_recorded_as_it_is() -> None:
    prepared = codec().prepare(NewEvent(type="TaskAssigned", data=[1, None, "x"]))
    assert (prepared.type, prepared.schema_version, prepared.data) == ("TaskAssigned", 1, b'[1,null,"x"]')


def test_a_class_that_no_plugin_contributed_is_validated_all_the_same() -> None:
    assert refusal(codec().prepare, Unregistered(count=-1)).path == "$.count"


def test_the_path_of_a_fault_starts_at_what_was_given() -> None:
    bad = Moved(name="ada", kilometres_per_hour=-1)
    assert refusal(codec().prepare, bad).path == "$.kilometres_per_hour"
    assert refusal(codec().prepare, NewEvent(data=bad)).path == "$.data.kilometres_per_hour"


BROKEN = {
    "wrong type": (NewEvent(type="moved", data={"name": 1}), "$.data.name"),
    "missing field": (NewEvent(type="moved", data={"who": "ada"}, schema_version=3), "$.data"),
    "no object": (NewEvent(type="moved", data=[]), "$.data"),
    "another name": (NewEvent(type="other", data=Moved(name="ada")), "$.type"),
    "another version": (NewEvent(schema_version=2, data=Moved(name="ada")), "$.schema_version"),
    "negative version": (NewEvent(type="x", data={}, schema_version=-1), "$.schema_version"),
    "huge version": (NewEvent(type="x", data={}, schema_version=2**31), "$.schema_version"),
    "no type": (NewEvent(data={}), "$.type"),
    "empty type": (NewEvent(type="", data={}), "$.type"),
    "empty id": (NewEvent(type="x", data={}, id=""), "$.id"),
    "NUL in the id": (NewEvent(type="x", data={}, id="a\0"), "$.id"),
    "bad cause": (NewEvent(type="x", data={}, causation_id="\n"), "$.causation_id"),
    "long correlation": (NewEvent(type="x", data={}, correlation_id="x" * 256), "$.correlation_id"),
    "empty tag": (NewEvent(type="x", data={}, tags=("fine", "")), "$.tags[1]"),
    "text for tags": (NewEvent(type="x", data={}, tags="text"), "$.tags"),  # type: ignore[arg-type]
    "many tags": (NewEvent(type="x", data={}, tags=tuple(map(str, range(MAX_TAGS + 1)))), "$.tags"),
    "far future": (NewEvent(type="x", data={}, occurred_at=10**18), "$.occurred_at"),
    "far past": (NewEvent(type="x", data={}, occurred_at=-(10**18)), "$.occurred_at"),
    "surrogate": (NewEvent(type="x", data={"a": "\ud800"}), "$.data"),
    "bad metadata": (NewEvent(type="x", data={}, metadata={"a": object()}), "$.metadata"),
}


@pytest.mark.parametrize(("event", "path"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_refused_with_its_place(event: NewEvent, path: str) -> None:
    assert refusal(codec().prepare, event).path == path


def test_only_events_are_prepared() -> None:
    assert "dict" in refusal(codec().prepare, {"type": "x"}).message


def test_as_many_tags_as_allowed_are_accepted() -> None:
    tags = tuple(map(str, range(MAX_TAGS)))
    assert codec().prepare(NewEvent(type="x", data={}, tags=tags)).tags == tuple(sorted(tags))


@settings(deadline=None)
@given(spare=st.integers(-3, 3))
def test_data_may_be_as_large_as_the_limit_and_no_larger(spare: int) -> None:
    small = codec(max_bytes=100 + spare)
    text = "x" * (100 - len(b'{"name":""}'))
    for event in (Moved(name=text), NewEvent(type="x", data={"name": text})):
        if spare >= 0:
            assert len(small.prepare(event).data) == 100
        else:
            assert "100" in refusal(small.prepare, event).message


def test_metadata_has_the_limit_of_data() -> None:
    event = NewEvent(type="x", data={}, metadata={"text": "x" * 100})
    assert refusal(codec(max_bytes=100).prepare, event).path == "$.metadata"


def test_tags_are_encoded_as_a_row_carries_them() -> None:
    assert codec().encode_tags(("a", "b")) == b'["a","b"]'
    assert codec().encode_tags(()) is None


# Types.


def test_types_are_listed_by_name() -> None:
    both = EventCodec(JsonCodec(), [Unregistered, Moved])
    assert list(both.types.items()) == [("moved", Moved), ("unregistered", Unregistered)]


def test_registering_a_type_again_changes_nothing() -> None:
    events = codec()
    events.register(Moved)
    assert events.types == {"moved": Moved}


def test_two_classes_of_one_name_are_refused() -> None:
    fault = refusal(EventCodec, JsonCodec(), [Moved, MovedElsewhere])
    assert "--without" in fault.remedy


def test_an_event_of_the_second_class_is_refused_too() -> None:
    assert "moved" in refusal(codec().prepare, MovedElsewhere()).message


def test_two_upcasters_of_one_step_are_refused() -> None:
    assert "version 1" in refusal(codec, *HISTORY, HISTORY[0]).message


# Reading.


@settings(deadline=None)
@given(name=st.text(st.characters(codec="utf-8")), speed=st.floats(0, 1000))
def test_what_was_prepared_is_read_back(name: str, speed: float) -> None:
    events = codec()
    event = Moved(name=name, kilometres_per_hour=speed)
    prepared = events.prepare(event)
    assert events.decode(prepared.type, prepared.schema_version, prepared.data) == event


def test_old_data_climbs_every_step_to_the_current_version() -> None:
    event = codec(*HISTORY).decode("moved", 1, b'{"who":"ada","speed":100}')
    assert event == Moved(name="ada", kilometres_per_hour=160.9344)


def test_data_of_a_version_between_climbs_the_rest() -> None:
    assert codec(*HISTORY).decode("moved", 2, b'{"name":"ada"}') == Moved(name="ada")


def test_current_data_climbs_nothing() -> None:
    assert codec().decode("moved", 3, b'{"name":"ada"}') == Moved(name="ada")


def test_a_newer_writers_data_is_read_as_far_as_it_is_understood() -> None:
    event = codec(*HISTORY).decode("moved", 4, b'{"name":"ada","altitude":3}')
    assert event == Moved(name="ada")


def test_a_newer_writers_data_is_recorded_even_when_it_is_not_understood() -> None:
    event = NewEvent(type="moved", schema_version=4, data={"pilot": "ada"})
    assert codec(*HISTORY).prepare(event).data == b'{"pilot":"ada"}'


def test_foreign_data_of_version_0_is_neither_validated_nor_decoded() -> None:
    events = codec(*HISTORY)
    prepared = events.prepare(NewEvent(type="moved", schema_version=0, data=["anything"]))
    assert events.decode("moved", 0, prepared.data) == ["anything"]


def test_foreign_data_is_understood_once_an_upcaster_leads_away_from_version_0() -> None:
    adopted = Upcaster("moved", 0, lambda data: {"who": data["pilot"]})
    assert codec(adopted, *HISTORY).decode("moved", 0, b'{"pilot":"ada"}') == Moved(name="ada")


def test_a_missing_step_is_named_with_the_package_to_install() -> None:
    fault = refusal(codec(HISTORY[0]).decode, "moved", 1, b'{"who":"ada"}')
    assert "from version 2 on to 3" in fault.message
    assert __name__.partition(".")[0] in fault.remedy


def test_old_data_that_cannot_climb_is_refused_when_it_is_recorded() -> None:
    event = NewEvent(type="moved", schema_version=1, data={"who": "ada", "speed": -1})
    assert refusal(codec(*HISTORY).prepare, event).path == "$.data.kilometres_per_hour"


def test_old_data_that_is_no_object_is_refused() -> None:
    assert "object" in refusal(codec(*HISTORY).decode, "moved", 1, b"[]").message


def test_an_upcaster_that_fails_is_its_plugins_fault() -> None:
    with pytest.raises(PluginBroken, match="from version 2 failed: KeyError"):
        codec(*HISTORY).decode("moved", 2, b"{}")


def test_what_an_upcaster_makes_is_validated() -> None:
    wrong = Upcaster("moved", 2, lambda data: {"name": 1})
    assert refusal(codec(wrong).decode, "moved", 2, b"{}").path == "$.name"


def test_data_of_a_type_that_nobody_knows_is_read_as_it_is() -> None:
    assert codec().decode("TaskAssigned", 7, b'{"a":[1]}') == {"a": [1]}


def test_data_reads_as_a_plain_value_whatever_its_type() -> None:
    assert codec().plain(b'{"name":1}') == {"name": 1}


def recorded(data: bytes, *, type: str = "moved", version: int = 3) -> Recorded:
    row = Row(1, "e-1", type, version, "pilot", "ada", 1, data, None, None, None, None, None, 0)
    return Recorded(row, codec(*HISTORY))


def test_the_data_of_a_recorded_event_is_typed_and_current() -> None:
    event = recorded(b'{"who":"ada"}', version=1)
    assert event.data == event.known == Moved(name="ada")
    assert event.plain == {"who": "ada"}


@pytest.mark.parametrize(
    "event",
    [
        recorded(b'{"name":"ada"}', version=0),
        recorded(b'{"pilot":"ada"}', version=4),
        recorded(b'{"name":"ada"}', type="TaskAssigned"),
    ],
    ids=["foreign", "newer than this reader", "a type that nobody knows"],
)
def test_what_no_type_of_ours_fits_is_not_known(event: Recorded) -> None:
    assert event.known is None
