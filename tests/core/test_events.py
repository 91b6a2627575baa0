"""Ids, times, names and the recorded envelope."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_core.codecs import EventCodec
from fleet_core.errors import Invalid
from fleet_core.events import Recorded, Row
from fleet_core.ids import MAX_NAME, Uuid7, check_name, id_text, stored_id
from fleet_core.testing.codecs import JsonCodec
from fleet_core.times import as_datetime, as_microseconds, system_clock, timestamp

relaxed = settings(deadline=None)

UUIDS = st.uuids().map(str)

MICROSECONDS = st.datetimes(timezones=st.just(UTC)).map(as_microseconds)

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=MAX_NAME)


# Ids.


@relaxed
@given(now=st.integers(0, 2**47 * 1000))
def test_an_id_is_a_uuid_of_version_7_that_tells_its_time(now: int) -> None:
    uuid = UUID(bytes=Uuid7(lambda: now)())
    assert (uuid.version, uuid.variant) == (7, RFC_4122)
    assert uuid.int >> 80 == now // 1000


@relaxed
@given(tail=st.integers(0, 2**64 - 1))
def test_all_bits_that_are_neither_time_nor_counter_nor_format_are_random(tail: int) -> None:
    made = Uuid7(lambda: 0, lambda size: tail.to_bytes(8, "big") * (size // 8))()
    assert int.from_bytes(made[8:], "big") & (2**62 - 1) == tail & (2**62 - 1)


@relaxed
@given(times=st.lists(st.integers(0, 10**15), min_size=2, max_size=50))
def test_ids_rise_even_when_the_clock_goes_back(times: list[int]) -> None:
    clock = iter(times)
    ids = Uuid7(lambda: next(clock))
    made = [ids() for _ in times]
    assert all(before < after for before, after in pairwise(made))


def test_ids_rise_within_one_moment_beyond_what_the_counter_holds() -> None:
    ids = Uuid7(lambda: 1_000_000)
    made = [ids() for _ in range(10_000)]
    assert all(before < after for before, after in pairwise(made))


def test_threads_never_share_an_id_and_each_sees_its_own_rise() -> None:
    ids = Uuid7()
    start = threading.Barrier(4)

    def take(_: int) -> list[bytes]:
        start.wait()
        return [ids() for _ in range(5_000)]

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(take, range(4)))
    assert len({each for some in taken for each in some}) == 20_000
    assert all(some == sorted(some) for some in taken)


FORKING = """
import os, threading
from fleet_core.ids import Uuid7

inside, leave = threading.Event(), threading.Event()
held = threading.local()

def clock():
    if getattr(held, "here", False):
        inside.set()
        leave.wait()
    return 1_000_000

def hold():
    held.here = True
    ids()

ids = Uuid7(clock)
first = [ids() for _ in range(3)]
thread = threading.Thread(target=hold)
thread.start()
inside.wait()
child = os.fork()
if child == 0:
    print(*(ids().hex() for _ in range(1_000)), sep="\\n", flush=True)
    os._exit(0)
leave.set()
thread.join()
assert os.waitpid(child, 0)[1] == 0
print(*(ids().hex() for _ in range(1_000)), sep="\\n")
"""


def test_a_forked_child_makes_other_ids_and_waits_for_no_thread_of_its_parent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=60, check=True
    )
    assert len(set(done.stdout.split())) == 2_000


@relaxed
@given(uuid=st.uuids())
def test_a_uuid_is_stored_as_16_bytes_and_comes_back(uuid: UUID) -> None:
    assert stored_id(str(uuid)) == uuid.bytes
    assert id_text(uuid.bytes) == str(uuid)


@relaxed
@given(
    text=st.text()
    | st.uuids().map(str)
    | st.uuids().map(lambda uuid: str(uuid).upper())
    | st.from_regex("[0-9a-f-]{36}")
)
def test_any_id_comes_back_as_it_was_written(text: str) -> None:
    assert id_text(stored_id(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "018F2C4E-5A1B-7C3D-8E4F-0123456789AB",
        "018f2c4e5a1b7c3d8e4f0123456789ab",
        "018f2c4e-5a1b-7c3d-8e4f-0123456789ab\n",
        "018f2c4e-5a1b-7c3d-8e4f-0123456789a٣",
        "evt-1",
    ],
)
def test_only_the_canonical_form_of_a_uuid_is_stored_as_bytes(text: str) -> None:
    assert stored_id(text) == text


# Names.


@relaxed
@given(name=NAMES)
def test_a_name_of_any_script_is_accepted(name: str) -> None:
    assert check_name(name, "tag") == name


@pytest.mark.parametrize(
    "name",
    ["", "x" * 256, "a\0", "a\n", "\x1b[31m", "\x7f", "\ud800", None, 1, b"bytes"],
    ids=["empty", "long", "NUL", "line feed", "escape", "delete", "surrogate", "None", "int", "bytes"],
)
def test_a_bad_name_is_refused_with_its_place(name: object) -> None:
    with pytest.raises(Invalid, match=r"^tag ") as refusal:
        check_name(name, "tag", "$.tags[3]")
    assert refusal.value.path == "$.tags[3]"


# Times.


@relaxed
@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_a_datetime_survives_as_microseconds(moment: datetime) -> None:
    assert as_datetime(as_microseconds(moment)) == moment


@relaxed
@given(microseconds=MICROSECONDS)
def test_microseconds_survive_as_a_datetime_in_utc(microseconds: int) -> None:
    assert as_microseconds(as_datetime(microseconds)) == microseconds
    assert as_datetime(microseconds).tzinfo is UTC


def test_an_offset_does_not_change_the_moment() -> None:
    here = datetime(2026, 1, 2, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert as_microseconds(here) == as_microseconds(datetime(2026, 1, 2, 10, 0, tzinfo=UTC))


def test_a_datetime_without_a_zone_is_refused() -> None:
    with pytest.raises(Invalid, match="no time zone"):
        as_microseconds(datetime(2026, 1, 2))


@relaxed
@given(microseconds=MICROSECONDS)
def test_a_timestamp_always_looks_the_same_and_can_be_read_back(microseconds: int) -> None:
    text = timestamp(microseconds)
    assert len(text) == len("2026-01-02T10:21:32.000000Z")
    assert as_microseconds(datetime.fromisoformat(text)) == microseconds


def test_the_system_clock_counts_microseconds() -> None:
    assert abs(as_datetime(system_clock()) - datetime.now(UTC)) < timedelta(hours=1)


# The recorded envelope.

CODEC = EventCodec(JsonCodec())
CAUSE, ROOT = stored_id("018f2c4e-5a1b-7c3d-8e4f-0123456789ab"), stored_id("evt-root")


def recorded(**changes: Any) -> Recorded:
    row = Row(
        position=7,
        id=stored_id("018f2c4e-5a1b-7c3d-8e4f-0123456789ff"),
        type="thing_done",
        schema_version=1,
        stream_type="thing",
        stream_id="t-1",
        version=3,
        data=b'{"a":1}',
        tags=b'["x","y"]',
        metadata=b'{"by":"ada"}',
        causation_id=CAUSE,
        correlation_id=ROOT,
        occurred_at=1_000_000,
        recorded_at=2_000_000,
    )
    return Recorded(row._replace(**changes), CODEC)


def test_a_recorded_event_shows_everything_under_the_names_of_its_fields() -> None:
    event = recorded()
    shown = event.as_dict()
    assert list(shown) == list(Row._fields)
    assert shown == {
        "position": 7,
        "id": "018f2c4e-5a1b-7c3d-8e4f-0123456789ff",
        "type": "thing_done",
        "schema_version": 1,
        "stream_type": "thing",
        "stream_id": "t-1",
        "version": 3,
        "data": {"a": 1},
        "tags": ["x", "y"],
        "metadata": {"by": "ada"},
        "causation_id": "018f2c4e-5a1b-7c3d-8e4f-0123456789ab",
        "correlation_id": "evt-root",
        "occurred_at": "1970-01-01T00:00:01.000000Z",
        "recorded_at": "1970-01-01T00:00:02.000000Z",
    }


def test_times_are_datetimes_too() -> None:
    event = recorded()
    assert (event.occurred_at, event.recorded_at) == (as_datetime(1_000_000), as_datetime(2_000_000))


def test_what_a_row_leaves_out_is_empty() -> None:
    event = recorded(tags=None, metadata=None, causation_id=None)
    assert (event.tags, event.metadata, event.causation_id) == ((), {}, None)


def test_the_correlation_of_a_root_is_its_own_id() -> None:
    event = recorded(causation_id=None, correlation_id=None)
    assert event.correlation_id == event.id


def test_an_event_occurred_when_it_was_recorded_unless_told_otherwise() -> None:
    event = recorded(occurred_at=None)
    assert event.occurred_us == event.recorded_us == 2_000_000


def test_the_beginning_of_1970_is_a_time_like_any_other() -> None:
    assert recorded(occurred_at=0).occurred_us == 0


def test_recorded_events_are_equal_when_all_they_show_is() -> None:
    assert recorded() == recorded()
    assert len({recorded(), recorded()}) == 1


@pytest.mark.parametrize(
    "change", [{"position": 8}, {"data": b"{}"}, {"tags": None}, {"recorded_at": 3_000_000}], ids=str
)
def test_recorded_events_differ_when_anything_they_show_does(change: dict[str, Any]) -> None:
    assert recorded(**change) != recorded()


def test_an_event_is_no_other_thing() -> None:
    assert recorded() != recorded().as_dict()


def test_a_recorded_event_is_immutable() -> None:
    with pytest.raises(AttributeError):
        recorded().row = ()  # type: ignore[misc]


def test_each_look_at_the_data_gives_a_value_of_its_own() -> None:
    event = recorded()
    event.data["a"] = 2
    assert event.data == {"a": 1}
