"""Causation and correlation: who caused an event, and which chain it belongs to."""

from fleet_core.stores import Batch, EventStore, Query
from fleet_core.testing.store_kit.base import KIT, OTHER, note, said

UUID = "01890a5d-ac96-774b-bcce-b302099a8057"
ROOT = "01890a5d-ac96-774b-bcce-b302099a8058"


def _links(store: EventStore) -> list[tuple[str, str | None, str]]:
    return [(event.id, event.causation_id, event.correlation_id) for event in store.read()]


class CausesKit:
    """A root's correlation is its own id; whoever is caused inherits."""

    def test_a_root_has_no_cause_and_correlates_with_itself(self, store: EventStore) -> None:
        (id,) = store.append(Batch(KIT, [note()])).ids
        assert _links(store) == [(id, None, id)]

    def test_a_caused_event_inherits_the_correlation(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id="root")]))
        store.append(Batch(OTHER, [note(id="child", causation_id="root")]))
        assert _links(store)[1] == ("child", "root", "root")

    def test_the_correlation_reaches_grandchildren(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id="root")]))
        store.append(Batch(KIT, [note(id="child", causation_id="root")]))
        store.append(Batch(KIT, [note(id="grandchild", causation_id="child")]))
        assert _links(store)[2] == ("grandchild", "child", "root")

    def test_it_is_inherited_within_one_append_too(self, store: EventStore) -> None:
        store.append(
            Batch(KIT, [note(id="root"), note(id="child", causation_id="root")]),
            Batch(OTHER, [note(id="grandchild", causation_id="child")]),
        )
        assert [correlation for _, _, correlation in _links(store)] == ["root", "root", "root"]

    def test_a_given_correlation_is_inherited(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id="root", correlation_id="saga")]))
        store.append(Batch(KIT, [note(id="child", causation_id="root")]))
        assert _links(store) == [("root", None, "saga"), ("child", "root", "saga")]

    def test_a_given_correlation_is_inherited_within_one_append(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id="a", correlation_id="saga"), note(id="b", causation_id="a")]))
        assert _links(store)[1] == ("b", "a", "saga")

    def test_a_given_correlation_wins_over_the_inherited(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id="root")]))
        store.append(Batch(KIT, [note(id="child", causation_id="root", correlation_id="own")]))
        assert _links(store)[1] == ("child", "root", "own")

    def test_a_cause_outside_the_log_is_the_correlation(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id="child", causation_id="elsewhere")]))
        store.append(Batch(KIT, [note(id="grandchild", causation_id="child")]))
        assert _links(store) == [("child", "elsewhere", "elsewhere"), ("grandchild", "child", "elsewhere")]

    def test_ids_that_are_uuids_link_as_others_do(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id=UUID, correlation_id=ROOT)]))
        store.append(Batch(KIT, [note("caused", id="child", causation_id=UUID)]))
        assert _links(store) == [(UUID, None, ROOT), ("child", UUID, ROOT)]
        assert said(store, Query.of(causation_id=UUID)) == ["caused"]
        assert len(said(store, Query.of(correlation_id=ROOT))) == 2

    def test_a_correlation_equal_to_the_own_id_makes_a_root(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id="root", correlation_id="root")]))
        store.append(Batch(KIT, [note(id="child", causation_id="root")]))
        assert [correlation for _, _, correlation in _links(store)] == ["root", "root"]

    def test_a_retry_changes_no_link(self, store: EventStore) -> None:
        store.append(
            Batch(KIT, [note(id="root", correlation_id="saga"), note(id="child", causation_id="root")])
        )
        before = _links(store)
        assert store.append(Batch(KIT, [note(id="child", causation_id="root")])).replayed
        assert _links(store) == before
