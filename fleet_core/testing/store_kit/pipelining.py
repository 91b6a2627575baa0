"""The ability `Pipelining`: a store that has many appends of one thread under way."""

import pytest

from fleet_core.errors import Invalid, Unavailable, VersionConflict
from fleet_core.stores import Batch, EventStore, Pipelining
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.store_kit.base import DEADLINE, KIT, OTHER, note, notes


def _pipelining(store: EventStore) -> Pipelining:
    assert isinstance(store, Pipelining), 'say lacks = {"pipelining": "why"} when every append is waited for'
    return store


class PipeliningKit:
    """`append_soon` promises what `append` answers."""

    @needs("pipelining")
    def test_a_promised_append_gives_its_answer_when_it_is_recorded(self, store: EventStore) -> None:
        answer = _pipelining(store).append_soon(Batch(KIT, notes(2), 0)).result(DEADLINE)
        assert list(answer.versions) == [1, 2]
        assert [event.position for event in store.read()] == list(answer.positions)

    @needs("pipelining")
    def test_promised_appends_are_decided_in_the_order_in_which_they_were_made(
        self, store: EventStore
    ) -> None:
        promised = [_pipelining(store).append_soon(Batch(KIT, [note(str(n))], n)) for n in range(200)]
        assert [answer.result(DEADLINE).versions[0] for answer in promised] == list(range(1, 201))

    @needs("pipelining")
    def test_a_promised_append_that_is_refused_refuses_no_other(self, store: EventStore) -> None:
        good = _pipelining(store).append_soon(Batch(KIT, notes(1), 0))
        bad = _pipelining(store).append_soon(Batch(OTHER, notes(1), 7))
        last = _pipelining(store).append_soon(Batch(KIT, notes(1), 1))
        with pytest.raises(VersionConflict):
            bad.result(DEADLINE)
        assert [good.result(DEADLINE).versions[0], last.result(DEADLINE).versions[0]] == [1, 2]
        assert {event.stream_id for event in store.read()} == {KIT.id}

    @needs("pipelining")
    def test_a_bad_event_is_refused_before_anything_is_promised(self, store: EventStore) -> None:
        with pytest.raises(Invalid):
            _pipelining(store).append_soon(Batch(KIT, [note(id="")]))
        assert store.head() == 0

    @needs("pipelining")
    def test_closing_keeps_every_promise(self, store: EventStore) -> None:
        promised = [_pipelining(store).append_soon(Batch(KIT, [note()])) for _ in range(50)]
        store.close()
        assert sorted(answer.result(DEADLINE).versions[0] for answer in promised) == list(range(1, 51))

    @needs("pipelining")
    def test_nothing_is_promised_after_closing(self, store: EventStore) -> None:
        store.close()
        with pytest.raises(Unavailable):
            _pipelining(store).append_soon(Batch(KIT, [note()]))

    @proves_lack_of("pipelining")
    def test_it_lacks_pipelining_as_it_says(self, store: EventStore) -> None:
        assert not isinstance(store, Pipelining), "it can append soon: take that out of `lacks`"
