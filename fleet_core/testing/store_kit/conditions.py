"""Append conditions (the dynamic consistency boundary of https://dcb.events): a decision still holds."""

import pytest

from fleet_core.errors import ConditionFailed, Conflict, VersionConflict
from fleet_core.stores import ALL, Batch, Condition, EventStore, Match, Query
from fleet_core.testing.store_kit.base import KIT, OTHER, note, notes, said

BOB = Query.of(types=("registered",), tags=("user:bob",))


class ConditionsKit:
    """An event that the query matches, recorded after the boundary, refuses the append."""

    def test_an_empty_log_fulfils_every_condition(self, store: EventStore) -> None:
        assert store.append(Batch(KIT, [note()]), condition=Condition(ALL)).versions == [1]

    def test_any_event_refuses_when_the_query_has_no_items(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note()]))
        with pytest.raises(ConditionFailed):
            store.append(Batch(OTHER, [note()]), condition=Condition(ALL))
        assert len(said(store)) == 1

    def test_a_matching_event_refuses(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(type="registered", tags=("user:bob", "extra"))]))
        with pytest.raises(ConditionFailed):
            store.append(
                Batch(OTHER, [note(type="registered", tags=("user:bob",))]), condition=Condition(BOB)
            )
        assert len(said(store)) == 1

    def test_the_type_alone_does_not_refuse(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(type="registered", tags=("user:eve",))]))
        store.append(Batch(OTHER, [note()]), condition=Condition(BOB))
        assert len(said(store)) == 2

    def test_the_tag_alone_does_not_refuse(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(type="greeted", tags=("user:bob",))]))
        store.append(Batch(OTHER, [note()]), condition=Condition(BOB))
        assert len(said(store)) == 2

    def test_all_tags_of_an_item_are_needed(self, store: EventStore) -> None:
        both = Condition(Query.of(tags=("course:1", "student:2")))
        store.append(Batch(KIT, [note(tags=("course:1",)), note(tags=("student:2",))]))
        store.append(Batch(KIT, [note(tags=("course:1", "student:2"))]), condition=both)
        with pytest.raises(ConditionFailed):
            store.append(Batch(KIT, [note()]), condition=both)

    def test_one_of_several_types_is_enough(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(type="left")]))
        with pytest.raises(ConditionFailed):
            store.append(Batch(KIT, [note()]), condition=Condition(Query.of(types=("joined", "left"))))

    def test_one_of_several_items_is_enough(self, store: EventStore) -> None:
        query = Query((Match(types=("joined",)), Match(tags=("urgent",))))
        store.append(Batch(KIT, [note(type="left")]), condition=Condition(query))
        store.append(Batch(KIT, [note(type="left", tags=("urgent",))]), condition=Condition(query))
        with pytest.raises(ConditionFailed):
            store.append(Batch(KIT, [note()]), condition=Condition(query))

    def test_a_condition_may_look_at_streams(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note()]))
        store.append(Batch(KIT, [note()]), condition=Condition(Query.of(streams=(OTHER,))))
        with pytest.raises(ConditionFailed):
            store.append(Batch(OTHER, [note()]), condition=Condition(Query.of(streams=(OTHER, KIT))))

    def test_an_event_at_the_boundary_does_not_refuse(self, store: EventStore) -> None:
        boundary = store.append(Batch(KIT, notes(3))).last
        store.append(Batch(KIT, [note("on")]), condition=Condition(ALL, after=boundary))
        assert said(store)[-1] == "on"

    def test_an_event_just_beyond_the_boundary_refuses(self, store: EventStore) -> None:
        positions = store.append(Batch(KIT, notes(3))).positions
        with pytest.raises(ConditionFailed):
            store.append(Batch(KIT, [note()]), condition=Condition(ALL, after=positions[1]))
        assert len(said(store)) == 3

    def test_only_matching_events_beyond_the_boundary_count(self, store: EventStore) -> None:
        boundary = store.append(Batch(KIT, [note(type="registered", tags=("user:bob",))])).last
        store.append(Batch(KIT, notes(3)))
        store.append(Batch(KIT, [note("on")]), condition=Condition(BOB, after=boundary))
        assert said(store)[-1] == "on"

    def test_the_refusal_names_the_position_of_a_matching_event(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        found = store.append(Batch(KIT, [note(type="registered", tags=("user:bob",))])).last
        store.append(Batch(KIT, notes(2)))
        with pytest.raises(ConditionFailed) as refusal:
            store.append(Batch(KIT, [note()]), condition=Condition(BOB))
        assert refusal.value.position == found
        assert refusal.value.remedy

    def test_the_events_of_the_append_itself_do_not_count(self, store: EventStore) -> None:
        bob = note(type="registered", tags=("user:bob",))
        assert store.append(Batch(KIT, [bob, bob]), condition=Condition(BOB)).versions == [1, 2]

    def test_a_boundary_beyond_the_head_excludes_nothing(self, store: EventStore) -> None:
        head = store.append(Batch(KIT, notes(2))).last
        assert store.append(Batch(KIT, [note()]), condition=Condition(ALL, after=head + 1000)).versions == [3]

    def test_a_fulfilled_condition_does_not_excuse_a_wrong_version(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        with pytest.raises(VersionConflict):
            store.append(Batch(KIT, [note()], 1), condition=Condition(BOB))

    def test_the_right_version_does_not_excuse_a_failed_condition(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        with pytest.raises(ConditionFailed):
            store.append(Batch(KIT, [note()], 2), condition=Condition(ALL))

    def test_a_wrong_version_and_a_failed_condition_are_one_conflict(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        with pytest.raises(Conflict):
            store.append(Batch(KIT, [note()], 1), condition=Condition(ALL))
        assert len(said(store)) == 2

    def test_a_failed_condition_leaves_no_trace(self, store: EventStore) -> None:
        head = store.append(Batch(KIT, notes(2))).last
        with pytest.raises(ConditionFailed):
            store.append(Batch(KIT, [note(id="k")]), Batch(OTHER, [note(id="o")]), condition=Condition(ALL))
        assert store.head() == head
        assert list(
            store.append(Batch(OTHER, [note(id="o")], 0), Batch(KIT, [note(id="k")], 2)).versions
        ) == [1, 3]

    def test_a_condition_is_checked_when_there_is_nothing_to_append(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        with pytest.raises(ConditionFailed):
            store.append(condition=Condition(ALL))

    def test_unknown_names_in_a_condition_exclude_nothing(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        nobody = Query((Match(types=("unheard",)), Match(tags=("unseen",)), Match(ids=("unknown",))))
        assert store.append(Batch(KIT, [note()]), condition=Condition(nobody)).versions == [3]
