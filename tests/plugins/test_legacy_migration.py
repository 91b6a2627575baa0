"""Recording FleetTools files: everything arrives, once, or nothing does."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_core.api import Batch, Fleet, IdReused, Invalid, NewEvent, Query, Recorded, Stream, Unavailable
from fleet_legacy.findings import json_path
from fleet_legacy.migration import Migration, migrate
from fleet_legacy.plan import make_plan
from fleet_legacy.source import Source, read_source
from fleets import opened, unlike
from legacy_files import (
    DATA,
    FROM_HTTP,
    SMALL,
    Content,
    event_given_back,
    event_row,
    files,
    large,
    lock_given_back,
    lock_row,
    mailbox_row,
    one_of_each,
    told,
    written,
)


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    with opened(tmp_path, request.param) as fleet:
        yield fleet


@contextmanager
def memory() -> Iterator[Fleet]:
    with TemporaryDirectory() as folder, opened(Path(folder), "memory") as fleet:
        yield fleet


def bring(fleet: Fleet, content: Content, *, dry_run: bool = False) -> Migration:
    return migrate(
        fleet, make_plan(Source(Path("squawk.json"), "digest of the file", content)), dry_run=dry_run
    )


def bring_file(fleet: Fleet, path: Path) -> Migration:
    return migrate(fleet, make_plan(read_source(path)))


def squawks(fleet: Fleet, mailbox: str) -> list[Recorded]:
    return list(fleet.store.read(Query.of(streams=(Stream("squawk", mailbox),))))


def lock_events(fleet: Fleet, lock: str) -> list[Recorded]:
    return list(fleet.store.read(Query.of(streams=(Stream("ctk", lock),))))


def imported(migration: Migration) -> dict[str, int]:
    return {count.kind: count.imported for count in migration.counts}


def states(fleet: Fleet, name: str) -> dict[str, Any]:
    return dict(fleet.views.rows(name))


# Everything arrives.


def test_every_row_of_the_small_file_arrives(fleet: Fleet) -> None:
    migration = bring_file(fleet, SMALL)
    assert imported(migration) == {"mailboxes": 5, "events": 40, "cursors": 3, "locks": 6, "releases": 2}
    assert (migration.links, migration.links_resolved) == (26, 26)


def test_every_event_of_the_small_file_can_be_given_back(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    for mailbox, rows in json.loads(SMALL.read_text())["events"].items():
        given_back = [told(event_given_back(event)) for event in squawks(fleet, mailbox)]
        assert given_back == [told(row) for row in rows]


def test_the_version_of_an_event_is_its_place_in_the_mailbox(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    for mailbox, rows in json.loads(SMALL.read_text())["events"].items():
        versions = {event.id: event.version for event in squawks(fleet, mailbox)}
        assert versions == {row["id"]: index + 1 for index, row in enumerate(rows)}


def test_every_link_leads_to_a_recorded_event(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    events = list(fleet.store.read())
    ids = {event.id for event in events}
    causes = [event.causation_id for event in events if event.causation_id is not None]
    assert len(causes) == 26
    assert ids.issuperset(causes)


def test_an_event_is_correlated_with_the_root_of_its_chain(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    by_id = {event.id: event for event in fleet.store.read()}
    for event in by_id.values():
        root = event
        while root.causation_id is not None:
            root = by_id[root.causation_id]
        assert event.correlation_id == root.id


def test_the_import_itself_is_recorded_first(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    first = next(fleet.store.read())
    assert (first.type, first.position, first.causation_id) == ("fleet_detected", 1, None)
    assert first.data.existing_data
    assert first.data.migration_required
    assert first.data.project_path == str(fleet.project.root)
    assert first.metadata == {"source": SMALL.name, "sha256": read_source(SMALL).sha256}


def test_read_tables_are_what_folding_the_log_gives(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    assert unlike(fleet) == []


def test_mailboxes_are_counted(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    rows = json.loads(SMALL.read_text())["events"]
    found = {key: (state.events, state.last_event) for key, state in states(fleet, "mailboxes").items()}
    assert found == {key: (len(events), events[-1]["id"] if events else None) for key, events in rows.items()}


def test_a_squawk_of_today_joins_an_imported_mailbox(fleet: Fleet) -> None:
    bring(fleet, one_of_each())
    fleet.append(Batch(Stream("squawk", "a"), [NewEvent(data={}, type="anything")], expected=1))
    assert states(fleet, "mailboxes")["a"].events == 2
    assert unlike(fleet) == []


def test_cursors_are_kept(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    rows = json.loads(SMALL.read_text())["cursors"]
    found = {key: (state.stream_id, state.position) for key, state in states(fleet, "cursors").items()}
    assert found == {key: (row["stream_id"], row["position"]) for key, row in rows.items()}


@pytest.mark.parametrize(
    ("position", "number", "text"),
    [(-5, -5, "-5"), (1.5, None, "1.5"), (10**20, None, "100000000000000000000")],
)
def test_a_cursor_shows_any_position_as_it_was(
    fleet: Fleet, position: float, number: int | None, text: str
) -> None:
    content = one_of_each()
    content["cursors"]["a_cursor"]["position"] = position
    bring(fleet, content)
    state = states(fleet, "cursors")["a_cursor"]
    assert (state.position, state.position_text) == (number, text)


def test_locks_are_active_until_they_are_released(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    rows = json.loads(SMALL.read_text())["locks"]
    found = {
        key: (state.file, state.reserved_by, state.status) for key, state in states(fleet, "locks").items()
    }
    assert found == {
        key: (row["file"], row["reserved_by"], "released" if row["released_at"] else "active")
        for key, row in rows.items()
    }


@pytest.mark.parametrize(("timeout", "shown"), [(1500.7, 1500), (-1, -1), (None, None), (10**30, None)])
def test_a_lock_shows_the_timeout_it_can(fleet: Fleet, timeout: float | None, shown: int | None) -> None:
    bring(fleet, {"locks": {"l": lock_row("l", timeout_ms=timeout)}})
    assert states(fleet, "locks")["l"].timeout_ms == shown


def test_a_ctk_event_in_a_mailbox_is_no_lock(fleet: Fleet) -> None:
    bring(fleet, {"events": {"a": [event_row("a", type="ctk_reserved")]}})
    assert states(fleet, "locks") == {}


@pytest.mark.parametrize("data", [None, [], {"file_path": 7}, {"file_path": "/src"}])
def test_a_reservation_that_says_nothing_is_no_lock(fleet: Fleet, data: Any) -> None:
    event = NewEvent(data=data, type="ctk_reserved", schema_version=0)
    fleet.append(Batch(Stream("ctk", "l"), [event]))
    assert states(fleet, "locks") == {}


def test_a_release_of_nothing_is_no_lock(fleet: Fleet) -> None:
    fleet.append(Batch(Stream("ctk", "l"), [NewEvent(data={}, type="ctk_released", schema_version=0)]))
    assert states(fleet, "locks") == {}


def test_half_way_through_the_day_a_lock_was_not_released_yet(fleet: Fleet) -> None:
    bring(fleet, one_of_each())
    view = fleet.view(fleet.projection("locks"), as_of="2026-01-04T12:00:10Z")
    state = view.get("l")
    assert state is not None
    assert state.status == "active"


# All or nothing.


def test_a_file_with_bad_rows_leaves_no_trace(fleet: Fleet) -> None:
    with pytest.raises(Invalid):
        bring_file(fleet, FROM_HTTP)
    assert fleet.store.head() == 0


def test_without_its_bad_rows_the_file_of_a_real_server_arrives(fleet: Fleet) -> None:
    content = json.loads(FROM_HTTP.read_text())
    for mailbox in ("data-missing", "type-missing", "type-number", "type-object", "ev-str"):
        content["events"][mailbox] = []
    del content["events"]["partial"][1]
    del content["locks"]["21466b1a-f79e-4f24-a6c3-4c851b2ec292"]
    assert imported(bring(fleet, content)) == {
        "mailboxes": 15,
        "events": 18,
        "cursors": 5,
        "locks": 17,
        "releases": 14,
    }
    for mailbox, rows in content["events"].items():
        assert [told(event_given_back(event)) for event in squawks(fleet, mailbox)] == list(map(told, rows))
    assert unlike(fleet) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (json.dumps("x" * 1_100_000), "may have 1,048,576 bytes"),
        ("[" * 200 + "]" * 200, "nested too deeply"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_row_that_no_store_keeps_is_named(fleet: Fleet, data: str, reason: str, dry_run: bool) -> None:
    content = one_of_each()
    content["events"]["a"].append(event_row("a", id="another", data=data))
    with pytest.raises(Invalid, match=reason) as caught:
        bring(fleet, content, dry_run=dry_run)
    assert caught.value.path.startswith("$.events.a[1].data")
    assert fleet.store.head() == 0


def test_a_dry_run_says_what_would_be_recorded_and_records_nothing(fleet: Fleet) -> None:
    migration = bring(fleet, one_of_each(), dry_run=True)
    assert imported(migration) == {"mailboxes": 1, "events": 1, "cursors": 1, "locks": 1, "releases": 1}
    assert (migration.dry_run, migration.position, fleet.store.head()) == (True, None, 0)


# Again.


def test_the_same_file_again_changes_nothing(fleet: Fleet) -> None:
    bring_file(fleet, SMALL)
    before = [event.as_dict() for event in fleet.store.read()]
    migration = bring_file(fleet, SMALL)
    assert [(count.imported, count.in_file - count.already_there) for count in migration.counts] == [
        (0, 0)
    ] * 5
    assert [event.as_dict() for event in fleet.store.read()] == before


def test_an_empty_store_records_nothing(fleet: Fleet) -> None:
    assert bring(fleet, {}).position is None
    assert fleet.store.head() == 0


def test_a_repeated_row_is_recorded_once_and_counted(fleet: Fleet) -> None:
    migration = bring(fleet, {"events": {"a": [event_row("a"), event_row("a")]}})
    (events,) = [count for count in migration.counts if count.kind == "events"]
    assert (events.in_file, events.imported, events.already_there) == (2, 1, 1)
    assert len(squawks(fleet, "a")) == 1


def test_of_a_file_that_has_grown_only_what_is_new_is_recorded(fleet: Fleet) -> None:
    bring(fleet, one_of_each())
    content = one_of_each()
    content["events"]["a"].append(event_row("a", id="second", causation_id=event_row("a")["id"]))
    content["mailboxes"]["b"] = mailbox_row("b")
    assert imported(bring(fleet, content)) == {
        "mailboxes": 1,
        "events": 1,
        "cursors": 0,
        "locks": 0,
        "releases": 0,
    }
    assert [event.id for event in squawks(fleet, "a")] == [event_row("a")["id"], "second"]
    assert unlike(fleet) == []


def test_a_lock_released_since_is_released(fleet: Fleet) -> None:
    bring(fleet, {"locks": {"l": lock_row("l")}})
    bring(fleet, {"locks": {"l": lock_row("l", released_at="2026-01-05T00:00:00.000Z")}})
    assert [event.type for event in lock_events(fleet, "l")] == ["ctk_reserved", "ctk_released"]
    assert states(fleet, "locks")["l"].status == "released"


def test_a_cursor_that_went_on_since_goes_on(fleet: Fleet) -> None:
    bring(fleet, one_of_each())
    content = one_of_each()
    content["cursors"]["a_cursor"] |= {"position": 7, "updated_at": "2026-01-05T00:00:00.000Z"}
    bring(fleet, content)
    assert states(fleet, "cursors")["a_cursor"].position == 7


@pytest.mark.parametrize(
    ("part", "key", "fields", "difference"),
    [
        ("events", "a", {"data": "{}"}, "data"),
        ("events", "a", {"type": "Other"}, "type"),
        ("events", "a", {"occurred_at": "2026-01-05T00:00:00.000Z"}, "time"),
        ("events", "a", {"causation_id": "evt-1"}, "cause"),
        ("events", "a", {"metadata": '{"a":1}'}, "metadata"),
        ("locks", "l", {"file": "/other.ts"}, "data"),
    ],
)
def test_a_row_that_is_recorded_otherwise_is_refused(
    fleet: Fleet, part: str, key: str, fields: dict[str, Any], difference: str
) -> None:
    bring(fleet, one_of_each())
    head = fleet.store.head()
    content = one_of_each()
    row = content[part][key]
    (row[0] if part == "events" else row).update(fields)
    content["mailboxes"]["new"] = mailbox_row("new")
    with pytest.raises(Invalid, match=f"has another {difference} than the event recorded at position"):
        bring(fleet, content)
    assert fleet.store.head() == head


def test_an_event_that_moved_to_another_mailbox_is_refused(fleet: Fleet) -> None:
    bring(fleet, {"events": {"a": [event_row("a")]}})
    with pytest.raises(Invalid, match="another mailbox"):
        bring(fleet, {"events": {"a": [], "b": [event_row("a")]}})


def test_two_migrations_at_once_record_the_file_once(tmp_path: Path) -> None:
    with opened(tmp_path, "sqlite") as one, opened(tmp_path, "sqlite") as other:
        plan = make_plan(read_source(SMALL))
        both = threading.Barrier(2)
        outcomes: list[Migration] = []

        def run(fleet: Fleet) -> None:
            both.wait(10)
            outcomes.append(migrate(fleet, plan))

        threads = [threading.Thread(target=run, args=(fleet,)) for fleet in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcome.imported for outcome in outcomes) == [0, 56]
        assert one.store.head() == 57


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_migration_that_another_overtakes_looks_again(fleet: Fleet, seconds: int) -> None:
    plan = make_plan(read_source(SMALL))

    def another() -> None:
        fleet.clock.advance(seconds)  # type: ignore[attr-defined]
        migrate(fleet, plan)

    assert migrate(cast(Fleet, Overtaken(fleet, another)), plan).imported == 0
    assert fleet.store.head() == 57


def test_a_migration_that_is_overtaken_again_and_again_gives_up(fleet: Fleet) -> None:
    def another() -> None:
        raise IdReused("evt-1", "is recorded already")

    with pytest.raises(Unavailable, match="others kept recording"):
        migrate(cast(Fleet, Overtaken(fleet, another)), make_plan(read_source(SMALL)))


class Overtaken:
    """A fleet in which something else happens right before each append."""

    def __init__(self, fleet: Fleet, another: Callable[[], None]) -> None:
        self._fleet = fleet
        self._another = another

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fleet, name)

    def append(self, *batches: Batch) -> Any:
        self._another()
        return self._fleet.append(*batches)


# Any file.

RELAXED = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(files())
def test_any_file_arrives_whole_and_can_be_given_back(content: Content) -> None:
    with memory() as fleet:
        bring(fleet, content)
        for mailbox, rows in content.get("events", {}).items():
            assert [told(event_given_back(event)) for event in squawks(fleet, mailbox)] == list(
                map(told, rows)
            )
        for lock, row in content.get("locks", {}).items():
            assert told(lock_given_back(lock_events(fleet, lock))) == told(row)
        named = content.get("mailboxes", {}).keys() | content.get("events", {}).keys()
        assert states(fleet, "mailboxes").keys() == named
        assert states(fleet, "cursors").keys() == content.get("cursors", {}).keys()
        assert unlike(fleet) == []


@RELAXED
@given(files())
def test_any_file_again_changes_nothing(content: Content) -> None:
    with memory() as fleet:
        bring(fleet, content)
        head = fleet.store.head()
        assert bring(fleet, deepcopy(content)).imported == 0
        assert fleet.store.head() == head


FAULTS: dict[str, list[dict[str, Any]]] = {
    "mailboxes": [{"created_at": 7}, {"updated_at": "then"}],
    "events": [
        {"id": None},
        {"type": 7},
        {"data": None},
        {"data": "{"},
        {"occurred_at": ""},
        {"causation_id": 1},
    ],
    "cursors": [{"position": "far"}, {"stream_id": None}],
    "locks": [{"file": None}, {"reserved_by": {}}, {"reserved_at": "now"}, {"timeout_ms": "5000"}],
}


@RELAXED
@given(files(), st.data())
def test_any_single_fault_is_named_and_nothing_is_recorded(content: Content, data: st.DataObject) -> None:
    for part, row in one_of_each().items():
        content.setdefault(part, {}).setdefault(
            "sound", row["a"] if part == "events" else next(iter(row.values()))
        )
    part = data.draw(st.sampled_from(sorted(FAULTS)))
    key = data.draw(st.sampled_from(sorted(key for key, rows in content[part].items() if rows)))
    rows = content[part][key]
    steps = (part, key, data.draw(st.integers(0, len(rows) - 1))) if part == "events" else (part, key)
    row = rows[steps[2]] if len(steps) > 2 else rows
    ((field, bad),) = data.draw(st.sampled_from(FAULTS[part])).items()
    row[field] = bad
    with memory() as fleet:
        with pytest.raises(Invalid) as caught:
            bring(fleet, content)
        places = [fault["place"] for fault in cast(list[dict[str, str]], caught.value.details["faults"])]
        assert places == [json_path((*steps, field))]
        assert fleet.store.head() == 0


def test_a_large_file_arrives_whole(tmp_path: Path) -> None:
    content = large()
    path = written(content, tmp_path / "squawk.json")
    with opened(tmp_path, "sqlite") as fleet:
        migration = bring_file(fleet, path)
        assert imported(migration) == {
            "mailboxes": 200,
            "events": 20_000,
            "cursors": 145,
            "locks": 300,
            "releases": 100,
        }
        assert (migration.links, migration.links_resolved) == (14_006, 14_006)
        events = list(fleet.store.read(Query.of(stream_types=("squawk",))))
        ids = {event.id for event in events}
        assert sum(event.causation_id in ids for event in events) == 14_006
        assert unlike(fleet) == []


def test_about_half_the_causes_of_the_large_file_stand_further_down() -> None:
    rows = [row for rows in large()["events"].values() for row in rows]
    order = {row["id"]: index for index, row in enumerate(rows)}
    causes = [(order[row["causation_id"]], index) for index, row in enumerate(rows) if row["causation_id"]]
    assert len(causes) == 14_006
    assert 0.4 < sum(cause > effect for cause, effect in causes) / len(causes) < 0.6


def test_the_fixtures_are_there() -> None:
    assert {SMALL, FROM_HTTP} <= set(DATA.iterdir())
