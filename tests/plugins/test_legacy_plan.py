"""What becomes of each row of a FleetTools file, before anything is recorded."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_core.api import EventCodec, FleetError, Invalid, NotFound
from fleet_legacy.findings import json_path
from fleet_legacy.lineage import trace_roots
from fleet_legacy.plan import Plan, as_batches, make_plan
from fleet_legacy.planned import Planned
from fleet_legacy.source import Source, read_source
from fleet_msgspec.codecs import JsonCodec
from legacy_files import (
    FROM_HTTP,
    SMALL,
    Content,
    cursor_row,
    event_row,
    large,
    lock_row,
    mailbox_row,
    one_of_each,
    written,
)


def planned(content: Any) -> Plan:
    return make_plan(Source(Path("squawk.json"), "", content))


def faults_of(content: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        planned(content)
    return {fault["place"]: fault["reason"] for fault in caught.value.details["faults"]}  # type: ignore[attr-defined]


def only(kind: str, content: Content) -> Planned:
    (found,) = [each for each in planned(content).events if each.kind == kind]
    return found


def event_of(**fields: Any) -> Planned:
    return only("events", {"events": {"a": [event_row("a", **fields)]}})


def lock_of(**fields: Any) -> Planned:
    return only("locks", {"locks": {"l": lock_row("l", **fields)}})


def cursor_of(**fields: Any) -> Planned:
    return only(
        "cursors", {"events": {"a": [event_row("a")]}, "cursors": {"a_cursor": cursor_row("a", **fields)}}
    )


def odd(content: Content) -> dict[str, list[str]]:
    return {oddity.kind: oddity.places for oddity in planned(content).oddities}


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ((), "$"),
        (("events", "data-kinds", 3, "type"), '$.events["data-kinds"][3].type'),
        (("events", 'a"b'), '$.events["a\\"b"]'),
        (("events", "équipe 日本"), '$.events["équipe 日本"]'),
        (("events", "\x1b[2J"), '$.events["\\u001b[2J"]'),
        (("events", "\ud800"), '$.events["\\ud800"]'),
        (("events", ""), '$.events[""]'),
    ],
)
def test_a_place_is_a_json_path_that_any_terminal_bears(steps: tuple[str | int, ...], path: str) -> None:
    assert json_path(steps) == path


# Reading the file.


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        read_source(tmp_path / "squawk.json")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="can't be read"):
        read_source(tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"events": }', "{'a': 1}", '{"n": NaN}', "[" * 5000])
def test_what_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "squawk.json"
    path.write_text(text)
    with pytest.raises(Invalid, match="is not JSON"):
        read_source(path)


def test_the_line_of_a_fault_in_the_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "squawk.json"
    path.write_text('{\n  "events": {\n    oops\n')
    with pytest.raises(Invalid, match="line 3"):
        read_source(path)


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "squawk.json"
    path.write_bytes(b'{"mailboxes": "\xff"}')
    with pytest.raises(Invalid, match="utf-8"):
        read_source(path)


@pytest.mark.parametrize("text", ["[]", "null", '"text"', "1"])
def test_json_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "squawk.json"
    path.write_text(text)
    with pytest.raises(Invalid, match=r"not the object of a squawk\.json"):
        read_source(path)


def test_half_a_surrogate_pair_does_not_make_a_file_unreadable(tmp_path: Path) -> None:
    path = written({"events": {"a": [event_row("a", data='"\ud800"')]}}, tmp_path / "squawk.json")
    assert make_plan(read_source(path)).in_file["events"] == 1


# What is kept.


@pytest.mark.parametrize(
    "content",
    [{}, {"mailboxes": {}, "events": {}, "cursors": {}, "locks": {}}, {"mailboxes": None, "events": None}],
)
def test_an_empty_store_is_a_file_with_nothing_in_it(content: Content) -> None:
    assert planned(content).events == []


def test_nothing_usual_is_odd() -> None:
    assert odd(one_of_each()) == {}


def test_an_event_keeps_id_type_time_and_cause() -> None:
    event = event_of(id="evt-1", type="Any Type", causation_id="evt-0").event
    assert (event.id, event.type, event.causation_id) == ("evt-1", "Any Type", "evt-0")
    assert event.occurred_at == 1_767_528_000_000_000


def test_an_event_is_foreign_data() -> None:
    assert event_of(type="sortie_created").event.schema_version == 0


def test_a_usual_event_carries_nothing_but_its_own() -> None:
    assert event_of(metadata='{"source":"cli"}').event.metadata == {"source": "cli"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ('"plain"', "plain"),
        ('"{\\"already\\":\\"json\\"}"', '{"already":"json"}'),
        ("null", None),
        ("42", 42),
        ("1.5", 1.5),
        ("[1,2]", [1, 2]),
        ("false", False),
        (' {"a" : 1}', {"a": 1}),
        ('{"a":1,"a":2}', {"a": 2}),
        ('"nul\\u0000"', "nul\0"),
        ('"\\ud800"', "\N{REPLACEMENT CHARACTER}"),
        ('"\\ud83d\\ude00"', "😀"),
        ("12345678901234567000", 12345678901234567000.0),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_data_is_the_value_of_its_text(text: str, value: Any) -> None:
    data = event_of(data=text).event.data
    assert (data, type(data)) == (value, type(value))


@pytest.mark.parametrize("text", ['{"a" : 1}', '{"a":1,"a":2}', '"\\ud800"', "1e2", "[1.50]", str(2**64)])
def test_data_that_does_not_give_its_text_back_has_its_row_beside_it(text: str) -> None:
    metadata = event_of(data=text).event.metadata
    assert metadata is not None
    assert json.loads(metadata["legacy"])["data"] == text


@pytest.mark.parametrize(
    "value", ['"text"', '"\\"{}\\""', "not json", "{}", "[1]", {"an": "object"}, 7, '{"legacy":1}']
)
def test_metadata_that_is_no_text_of_an_object_is_kept_as_it_is(value: Any) -> None:
    metadata = event_of(metadata=value).event.metadata
    assert metadata is not None
    assert json.loads(metadata["legacy"])["metadata"] == value


def test_metadata_with_nul_is_kept() -> None:
    assert event_of(metadata='{"note":"nul\\u0000"}').event.metadata == {"note": "nul\0"}


@pytest.mark.parametrize(
    "fields", [{"mailbox_id": 7}, {"stream_id": {"a": 1}}, {"extra": [1]}, {"causation_id": ""}]
)
def test_an_unusual_row_is_kept_whole(fields: dict[str, Any]) -> None:
    metadata = event_of(**fields).event.metadata
    assert metadata is not None
    assert json.loads(metadata["legacy"]) == event_row("a", **fields)


def test_a_time_with_an_offset_is_the_same_moment() -> None:
    assert event_of(occurred_at="2026-01-04T14:00:00+02:00").event.occurred_at == event_of().event.occurred_at


def test_the_key_of_a_mailbox_is_its_id() -> None:
    found = only("mailboxes", {"mailboxes": {"123": mailbox_row("123", id=123)}, "events": {"123": []}})
    assert found.event.data.mailbox_id == "123"


@pytest.mark.parametrize(
    ("content", "listed", "has_events"),
    [
        ({"mailboxes": {"a": mailbox_row("a")}, "events": {"a": []}}, True, True),
        ({"mailboxes": {"a": mailbox_row("a")}, "events": {}}, True, False),
        ({"events": {"a": []}}, False, True),
    ],
)
def test_a_mailbox_is_kept_with_or_without_row_or_events(
    content: Content, listed: bool, has_events: bool
) -> None:
    data = only("mailboxes", content).event.data
    assert (data.listed, data.has_events) == (listed, has_events)


@pytest.mark.parametrize("position", [0, 3, -5, 1.5, 99999, 2**63 - 1, -(2**63)])
def test_a_cursor_keeps_any_number(position: float) -> None:
    assert cursor_of(position=position).event.data.position == position


def test_a_cursor_beyond_64_bits_is_text() -> None:
    assert cursor_of(position=10**20).event.data.position == "100000000000000000000"


def test_a_lock_is_a_reservation() -> None:
    found = lock_of(checksum="abc")
    assert found.event.type == "ctk_reserved"
    assert found.stream == ("ctk", "l")
    assert found.event.data == {
        "lock_id": "l",
        "file_path": "/src/index.ts",
        "specialist_id": "spec_abc",
        "purpose": "edit",
        "timeout_ms": 30000,
        "checksum": "abc",
    }


def test_a_released_lock_is_a_reservation_and_a_release() -> None:
    content = {"locks": {"l": lock_row("l", released_at="2026-01-04T12:00:20.000Z")}}
    assert [each.event.type for each in planned(content).events] == ["ctk_reserved", "ctk_released"]


def test_a_reservation_is_the_same_before_and_after_the_release() -> None:
    assert lock_of() == lock_of(released_at="2026-01-04T12:00:20.000Z")


@pytest.mark.parametrize("timeout", [0, -1, 1500.7, 10**18, None])
def test_a_lock_keeps_any_timeout_that_is_a_number_or_nothing(timeout: float | None) -> None:
    assert lock_of(timeout_ms=timeout).event.data.get("timeout_ms") == timeout


@pytest.mark.parametrize("purpose", ["edit", "mischief", "", None])
def test_a_lock_keeps_any_purpose(purpose: str | None) -> None:
    assert lock_of(purpose=purpose).event.data.get("purpose") == purpose


@pytest.mark.parametrize(
    ("kind", "place", "content"),
    [
        ("mailbox without a list of events", "$.mailboxes.a", {"mailboxes": {"a": mailbox_row("a")}}),
        (
            "mailbox without its times",
            "$.mailboxes.a",
            {"mailboxes": {"a": {"id": "a"}}, "events": {"a": []}},
        ),
        ("id that is not the row's key", "$.locks.l.id", {"locks": {"l": lock_row("l", id="other")}}),
        ("events of a mailbox that is not listed", "$.events.a", {"events": {"a": []}}),
        (
            "event that names another mailbox than its list",
            "$.events.a[0]",
            {"events": {"a": [event_row("a", stream_id="b")]}},
        ),
        (
            "event that occurred before the one above it",
            "$.events.a[1].occurred_at",
            {"events": {"a": [event_row("a"), event_row("a", id="2", occurred_at="2026-01-01T00:00:00Z")]}},
        ),
        (
            "cause that is not in the file",
            "$.events.a[0].causation_id",
            {"events": {"a": [event_row("a", causation_id="evt-789")]}},
        ),
        (
            "event in a circle of causes",
            "$.events.a[0]",
            {"events": {"a": [event_row("a", id="1", causation_id="1")]}},
        ),
        (
            "event that repeats an earlier one and is recorded once",
            "$.events.a[1]",
            {"events": {"a": [event_row("a"), event_row("a")]}},
        ),
        (
            "cursor of a mailbox that is not in the file",
            "$.cursors.c.stream_id",
            {"cursors": {"c": cursor_row("a", id="c")}},
        ),
        (
            "cursor beyond the end of its mailbox",
            "$.cursors.c.position",
            {"events": {"a": []}, "cursors": {"c": cursor_row("a", id="c")}},
        ),
        (
            "cursor position that counts nothing",
            "$.cursors.c.position",
            {"cursors": {"c": cursor_row("a", id="c", position=-5)}},
        ),
        (
            "lock of another purpose than edit, read and delete",
            "$.locks.l.purpose",
            {"locks": {"l": lock_row("l", purpose="mischief")}},
        ),
        (
            "lock whose timeout is no positive whole number",
            "$.locks.l.timeout_ms",
            {"locks": {"l": lock_row("l", timeout_ms=-1)}},
        ),
        (
            "lock released before it was reserved",
            "$.locks.l.released_at",
            {"locks": {"l": lock_row("l", released_at="2026-01-04T11:59:59.000Z")}},
        ),
        (
            "unreleased lock of a file with other unreleased locks",
            "$.locks.l",
            {"locks": {"l": lock_row("l"), "m": lock_row("m")}},
        ),
    ],
)
def test_an_oddity_is_kept_and_reported_with_its_place(kind: str, place: str, content: Content) -> None:
    assert place in odd(content)[kind]


# What is refused.


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"id": 7}, "id", "must be text, got a number"),
        ({"id": ""}, "id", "is empty"),
        ({"id": "x" * 256}, "id", "must have 1 to 255 characters, got 256"),
        ({"id": "a\nb"}, "id", "contains control characters"),
        ({"type": None}, "type", "must be text, got null"),
        ({"type": {"a": 1}}, "type", "must be text, got an object"),
        ({"type": "\ud800"}, "type", "lone surrogates"),
        ({"data": {"a": 1}}, "data", "must be JSON text, got an object"),
        ({"data": "nope"}, "data", "is not JSON text that can be kept"),
        ({"data": ""}, "data", "is not JSON text that can be kept"),
        ({"data": "[NaN]"}, "data", "JSON has no NaN"),
        ({"data": "1e999"}, "data", "a number is out of range"),
        ({"data": "[" * 3000 + "]" * 3000}, "data", "nested too deeply"),
        ({"occurred_at": None}, "occurred_at", "must be a time, got null"),
        ({"occurred_at": "yesterday"}, "occurred_at", "'yesterday' is not a time"),
        ({"occurred_at": "2026-01-04T12:00:00"}, "occurred_at", "names no time zone"),
        ({"causation_id": 5}, "causation_id", "must be text, got a number"),
    ],
)
def test_an_event_that_can_not_be_kept_is_refused(fields: dict[str, Any], field: str, reason: str) -> None:
    ((place, said),) = faults_of({"events": {"a b": [event_row("a b"), event_row("a b", **fields)]}}).items()
    assert place == f'$.events["a b"][1].{field}'
    assert reason in said


@pytest.mark.parametrize("field", ["id", "type", "data", "occurred_at"])
def test_an_event_without_a_field_it_needs_is_refused(field: str) -> None:
    row = event_row("a")
    del row[field]
    assert faults_of({"events": {"a": [row]}}) == {f"$.events.a[0].{field}": "is missing"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"file": None}, "file"),
        ({"file": ""}, "file"),
        ({"reserved_by": None}, "reserved_by"),
        ({"reserved_by": 7}, "reserved_by"),
        ({"reserved_at": None}, "reserved_at"),
        ({"released_at": "soon"}, "released_at"),
        ({"timeout_ms": "5000"}, "timeout_ms"),
        ({"timeout_ms": True}, "timeout_ms"),
        ({"purpose": 7}, "purpose"),
        ({"checksum": []}, "checksum"),
    ],
)
def test_a_lock_that_can_not_be_kept_is_refused(fields: dict[str, Any], field: str) -> None:
    assert list(faults_of({"locks": {"l": lock_row("l", **fields)}})) == [f"$.locks.l.{field}"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"position": None}, "position"),
        ({"position": "3"}, "position"),
        ({"position": True}, "position"),
        ({"stream_id": None}, "stream_id"),
        ({"stream_id": {"a": 1}}, "stream_id"),
        ({"updated_at": "later"}, "updated_at"),
    ],
)
def test_a_cursor_that_can_not_be_kept_is_refused(fields: dict[str, Any], field: str) -> None:
    assert list(faults_of({"cursors": {"c": cursor_row("a", **fields)}})) == [f"$.cursors.c.{field}"]


def test_a_mailbox_whose_time_is_none_is_refused() -> None:
    assert list(faults_of({"mailboxes": {"a": mailbox_row("a", created_at="once")}})) == [
        "$.mailboxes.a.created_at"
    ]


@pytest.mark.parametrize("part", ["mailboxes", "events", "cursors", "locks"])
def test_a_part_that_is_no_object_is_refused(part: str) -> None:
    assert faults_of({part: []}) == {f"$.{part}": "must be an object, got an array"}


@pytest.mark.parametrize("part", ["mailboxes", "cursors", "locks"])
def test_a_row_that_is_no_object_is_refused(part: str) -> None:
    assert faults_of({part: {"x": 1}}) == {f"$.{part}.x": "must be an object, got a number"}


def test_events_that_are_no_list_are_refused() -> None:
    assert faults_of({"events": {"a": {}}}) == {"$.events.a": "must be an array, got an object"}


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b", "\ud800"])
@pytest.mark.parametrize("part", ["mailboxes", "events", "cursors", "locks"])
def test_a_key_that_can_not_name_a_stream_is_refused(part: str, key: str) -> None:
    (place,) = faults_of({part: {key: []}})
    assert place.startswith(f"$.{part}")


def test_a_part_that_nobody_knows_is_refused() -> None:
    assert faults_of({"name": "package", "events": {}}) == {"$.name": "is no part of a FleetTools file"}


@pytest.mark.parametrize("again", [event_row("a", type="Another"), event_row("a", causation_id="x")])
def test_an_id_that_two_different_events_have_is_refused(again: dict[str, Any]) -> None:
    (said,) = faults_of({"events": {"a": [event_row("a"), again]}}).items()
    assert said == ("$.events.a[1].id", "is that of another event, $.events.a[0]")


def test_an_event_that_stands_in_two_mailboxes_is_refused() -> None:
    assert list(faults_of({"events": {"a": [event_row("a")], "b": [event_row("a")]}})) == ["$.events.b[0].id"]


def test_all_faults_are_named_at_once_in_the_order_of_the_file() -> None:
    content = one_of_each()
    content["mailboxes"]["a"]["created_at"] = "once"
    content["events"]["a"][0] |= {"id": None, "type": None}
    content["cursors"]["a_cursor"]["position"] = None
    content["locks"]["l"]["file"] = None
    assert list(faults_of(content)) == [
        "$.mailboxes.a.created_at",
        "$.events.a[0].id",
        "$.events.a[0].type",
        "$.cursors.a_cursor.position",
        "$.locks.l.file",
    ]


def test_of_very_many_faults_the_text_names_one_and_the_number() -> None:
    with pytest.raises(Invalid, match=r"400 faults, the first at \$\.events\.a\[0\]\.id: is missing"):
        planned({"events": {"a": [{}] * 100}})


def test_every_bad_row_that_a_real_server_wrote_is_named() -> None:
    assert faults_of(json.loads(FROM_HTTP.read_text())) == {
        '$.events["data-missing"][0].data': "is missing",
        '$.events["type-missing"][0].type': "is missing",
        '$.events["type-number"][0].type': "must be text, got a number",
        '$.events["type-object"][0].type': "must be text, got an object",
        "$.events.partial[1].type": "is missing",
        '$.events["ev-str"][0].type': "is missing",
        '$.events["ev-str"][0].data': "is missing",
        '$.locks["21466b1a-f79e-4f24-a6c3-4c851b2ec292"].timeout_ms': "must be a finite number, got text",
    }


# Order and causes.


def test_events_come_in_the_order_of_their_times() -> None:
    plan = planned(large(events=500, causes=300, mailboxes=9))
    times = [each.event.occurred_at for each in plan.events]
    assert times == sorted(times, key=lambda time: time or 0)


def test_the_order_within_a_mailbox_is_the_truth() -> None:
    days = [4, 2, 3, 1]
    rows = [event_row("a", id=str(day), occurred_at=f"2026-01-0{day}T00:00:00.000Z") for day in days]
    (batch,) = [
        each for each in as_batches(planned({"events": {"a": rows}}).events) if each.stream.type == "squawk"
    ]
    assert [event.id for event in batch.events] == ["4", "2", "3", "1"]  # type: ignore[union-attr]


def test_a_root_has_no_correlation_of_its_own_yet() -> None:
    assert event_of().event.correlation_id is None


def test_causes_further_down_the_file_lead_to_the_root() -> None:
    rows = {
        "a": [event_row("a", id="3", causation_id="2")],
        "b": [event_row("b", id="2", causation_id="1")],
        "c": [event_row("c", id="1")],
    }
    correlations = {each.event.id: each.event.correlation_id for each in planned({"events": rows}).events}
    assert (correlations["3"], correlations["2"], correlations["1"]) == ("1", "1", None)


def test_a_chain_that_leaves_the_file_is_correlated_by_the_cause_outside() -> None:
    assert event_of(causation_id="evt-789").event.correlation_id == "evt-789"


def test_a_circle_of_causes_is_correlated_by_its_smallest_id() -> None:
    lineage = trace_roots({"c": "b", "b": "a", "a": "c", "d": "b"})
    assert lineage.roots == dict.fromkeys("abcd", "a")
    assert lineage.circles == ["a"]


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.none() | st.sampled_from("abcdefghxy")))
def test_roots_are_those_that_walking_finds_in_any_order(causes: dict[str, str | None]) -> None:
    def walked(event: str) -> str:
        path = [event]
        while (cause := causes.get(path[-1])) is not None:
            if cause in path:
                return min(path[path.index(cause) :])
            path.append(cause)
        return path[-1]

    expected = {event: walked(event) for event, cause in causes.items() if cause is not None}
    assert trace_roots(causes).roots == expected
    assert trace_roots(dict(reversed(causes.items()))).roots == expected


def test_a_chain_of_thousands_is_walked_without_recursion() -> None:
    causes = {str(number): str(number - 1) for number in range(20_000, 0, -1)} | {"0": None}
    assert set(trace_roots(causes).roots.values()) == {"0"}


def test_the_small_file_is_planned_whole() -> None:
    assert planned(json.loads(SMALL.read_text())).in_file == {
        "mailboxes": 5,
        "events": 40,
        "cursors": 3,
        "locks": 6,
        "releases": 2,
    }


def test_planning_does_not_change_the_content() -> None:
    content = json.loads(SMALL.read_text())
    planned(content)
    assert content == json.loads(SMALL.read_text())


def test_data_may_be_as_deep_as_a_codec_carries_and_no_deeper() -> None:
    deepest = "[" * 100 + "]" * 100
    event = event_of(data=deepest).event
    assert EventCodec(JsonCodec()).prepare(event).data == deepest.encode()
    deeper = event_row("a", data=f"[{deepest}]")
    assert list(faults_of({"events": {"a": [deeper]}})) == ["$.events.a[0].data"]
