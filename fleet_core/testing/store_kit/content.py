"""What an event carries: data, type, schema version, tags, metadata and times come back as given."""

from typing import Any

import pytest

from fleet_core.codecs import MAX_BYTES
from fleet_core.errors import Invalid
from fleet_core.events import NewEvent, Recorded
from fleet_core.stores import Batch, EventStore
from fleet_core.testing.store_kit.base import KIT, NOON, HeldClock, Noted, note

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "largest integer": 2**63 - 1,
    "smallest integer": -(2**63),
    "fraction": 0.1,
    "tiny": 5e-324,
    "text": "plain",
    "empty text": "",
    "empty list": [],
    "empty object": {},
    "nested": {"a": [{"b": [1, [2, {"c": None}]]}], "": {"": ""}},
    "unicode": "\U0001f680 caf\u00e9 cafe\u0301 \u2028 \u0000 \x1b \uffff",
    "unicode keys": {"\U0001f511": 1, "cafe\u0301": 2, "caf\u00e9": 3},
    "sql": "'; DROP TABLE events; --",
    "a hundred kilobytes": "\u00e9" * 50_000,
}


def _recorded(store: EventStore, event: Any) -> Recorded:
    store.append(Batch(KIT, [event]))
    return next(store.read(backwards=True))


class ContentKit:
    """Round trips, limits and the clock."""

    def test_data_comes_back_as_it_was(self, store: EventStore) -> None:
        for name, value in VALUES.items():
            event = _recorded(store, note(value))
            assert (event.data, type(event.data)) == (value, type(value)), name

    def test_metadata_comes_back_as_it_was(self, store: EventStore) -> None:
        for name, value in VALUES.items():
            assert _recorded(store, note(metadata={"said": value})).metadata == {"said": value}, name

    def test_an_event_without_metadata_has_none(self, store: EventStore) -> None:
        assert _recorded(store, note()).metadata == {}

    def test_a_known_type_comes_back_as_its_struct(self, store: EventStore) -> None:
        assert _recorded(store, Noted(text="typed", number=3)).data == Noted(text="typed", number=3)
        assert _recorded(store, NewEvent(data=Noted(text="more"))).data == Noted(text="more")

    def test_an_unknown_type_is_kept_as_plain_data(self, store: EventStore) -> None:
        event = _recorded(store, note({"any": ["thing"]}, "from_tomorrow"))
        assert (event.type, event.data) == ("from_tomorrow", {"any": ["thing"]})

    def test_a_known_type_that_breaks_its_rules_is_refused(self, store: EventStore) -> None:
        with pytest.raises(Invalid):
            store.append(Batch(KIT, [NewEvent(data={"text": 5}, type="kit_noted")]))
        assert store.head() == 0

    def test_the_schema_version_is_kept(self, store: EventStore) -> None:
        for version in (0, 1, 2, 2**31 - 1):
            assert _recorded(store, note(schema_version=version)).schema_version == version

    def test_foreign_data_of_a_known_name_is_kept_as_it_is(self, store: EventStore) -> None:
        event = _recorded(store, NewEvent(data={"text": 5}, type="kit_noted", schema_version=0))
        assert event.data == {"text": 5}

    def test_tags_are_sorted_and_each_stands_once(self, store: EventStore) -> None:
        assert _recorded(store, note(tags=("b", "a", "B", "b"))).tags == ("B", "a", "b")

    def test_an_event_without_tags_has_none(self, store: EventStore) -> None:
        assert _recorded(store, note()).tags == ()

    def test_sixty_four_tags_fit_and_no_more(self, store: EventStore) -> None:
        tags = tuple(f"tag-{number:02}" for number in range(65))
        assert _recorded(store, note(tags=tags[:64])).tags == tags[:64]
        with pytest.raises(Invalid):
            store.append(Batch(KIT, [note(tags=tags)]))

    def test_the_largest_data_is_accepted(self, store: EventStore) -> None:
        text = "x" * (MAX_BYTES - len('""'))
        assert _recorded(store, note(text)).data == text

    def test_larger_data_is_refused_with_its_place(self, store: EventStore) -> None:
        with pytest.raises(Invalid) as refusal:
            store.append(Batch(KIT, [note(), note("x" * MAX_BYTES)]))
        assert "data" in refusal.value.path
        assert store.head() == 0

    def test_larger_metadata_is_refused(self, store: EventStore) -> None:
        with pytest.raises(Invalid):
            store.append(Batch(KIT, [note(metadata={"said": "x" * MAX_BYTES})]))
        assert store.head() == 0

    def test_the_store_s_clock_says_when_it_was_recorded(self, store: EventStore, clock: HeldClock) -> None:
        for moment in (NOON, NOON + 1, NOON + 86_400_000_000, NOON + 86_400_000_001):
            clock.now = moment
            assert _recorded(store, note()).recorded_us == moment

    def test_an_event_occurred_when_it_was_recorded_unless_it_says_otherwise(
        self, store: EventStore, clock: HeldClock
    ) -> None:
        clock.now = NOON + 77
        assert _recorded(store, note()).occurred_us == NOON + 77

    def test_the_given_time_of_occurrence_is_kept(self, store: EventStore) -> None:
        for moment in (0, 1, NOON - 1, NOON + 10**12, -1):
            event = _recorded(store, note(occurred_at=moment))
            assert (event.occurred_us, event.recorded_us) == (moment, NOON)

    def test_time_that_passes_changes_nothing_recorded(self, store: EventStore, clock: HeldClock) -> None:
        before = _recorded(store, note()).as_dict()
        clock.now += 60_000_000
        store.append(Batch(KIT, [note()]))
        assert next(store.read()).as_dict() == before

    def test_a_changed_answer_does_not_change_the_log(self, store: EventStore) -> None:
        event = _recorded(store, note({"list": [1]}, metadata={"list": [1]}))
        event.data["list"].append(2)
        event.metadata["list"].append(2)
        again = next(store.read())
        assert (again.data, again.metadata) == ({"list": [1]}, {"list": [1]})

    def test_changing_what_was_given_does_not_change_the_log(self, store: EventStore) -> None:
        data = {"list": [1]}
        store.append(Batch(KIT, [note(data)]))
        data["list"].append(2)
        assert next(store.read()).data == {"list": [1]}
