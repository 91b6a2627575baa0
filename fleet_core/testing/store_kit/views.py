"""The ability `Views`: a read table holds what folding the log gives, whenever one looks."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from fleet_core.errors import FleetError, Usage, VersionConflict
from fleet_core.events import NewEvent, Recorded
from fleet_core.projections import FoldedView, Projection, catch_up, differences, fold, rebuild
from fleet_core.stores import Batch, EventStore, Stream, Views
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.store_kit.base import KIT, note


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A state with a field of each kind."""

    name: str
    colour: str
    count: int
    weight: float
    full: bool
    owner: str | None = None
    labels: list[str] = []


class WideShelf(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a later version, with other fields."""

    name: str
    events: int


def _evolve(state: Shelf | None, event: Recorded) -> Shelf | None:
    if event.type == "emptied":
        return None
    said: dict[str, Any] = event.plain
    count = (state.count if state else 0) + said["count"]
    labels = [*(state.labels if state else []), said["colour"]][-3:]
    return Shelf(
        name=event.stream_id,
        colour=said["colour"],
        count=count,
        weight=count / 8,
        full=count > 9,
        owner=said["owner"],
        labels=labels,
    )


def _count(state: WideShelf | None, event: Recorded) -> WideShelf:
    return WideShelf(name=event.stream_id, events=(state.events if state else 0) + 1)


def _key(event: Recorded) -> str | None:
    return None if event.stream_id == "nobody" else event.stream_id


SHELVES = Projection(name="kit_shelves", state=Shelf, types=("filled", "emptied"), key=_key, evolve=_evolve)
WIDE_SHELVES = Projection(
    name="kit_shelves", state=WideShelf, types=("filled", "emptied"), key=_key, evolve=_count, version=2
)

NAMES = ["a", "b", "B", "Ä", "z", "\uffee", "\U0001f680", "a%", "it's", "nobody"]
FILTERS: list[dict[str, Any]] = [
    {},
    {"colour": "red"},
    {"count": 3},
    {"full": True},
    {"full": False},
    {"owner": None},
    {"owner": "eve"},
    {"weight": 0.125},
    {"colour": "blue", "full": False},
    {"name": "it's"},
    {"colour": "unheard"},
]


def _filled(rng: random.Random) -> NewEvent:
    data = {
        "colour": rng.choice(["red", "blue"]),
        "count": rng.randint(0, 4),
        "owner": rng.choice([None, "eve"]),
    }
    return note(data, "filled")


def _live(store: EventStore, rng: random.Random, appends: int) -> None:
    """A random history: shelves filled and emptied, several at once, and refusals in between."""
    for _ in range(appends):
        names = rng.sample(NAMES, rng.randint(1, 3))
        kinds = [
            [_filled(rng), note({}, "emptied"), note("nothing", "unrelated")][rng.choice([0, 0, 0, 1, 2])]
        ]
        batches = [
            Batch(Stream("shelf", name), [*kinds, _filled(rng)][: rng.randint(1, 2)]) for name in names
        ]
        store.append(*batches)
        if rng.random() < 0.2:
            with pytest.raises(VersionConflict):
                store.append(*batches, Batch(KIT, [note()], 9))


def _views(store: EventStore) -> Views:
    assert isinstance(store, Views), 'say lacks = {"views": "why"} when it keeps no read tables'
    return store


def _current(store: EventStore, projection: Projection[Any] = SHELVES) -> Views:
    """The store's read tables, brought up to date in the way it asks for."""
    views = _views(store)
    if not views.inline:
        catch_up(store, views, projection)
    return views


def _folded(store: EventStore, projection: Projection[Any] = SHELVES) -> FoldedView[Any]:
    return FoldedView(projection, fold(projection, store.read()))


def _states(store: EventStore, projection: Projection[Any] = SHELVES) -> dict[str, Any]:
    return fold(projection, store.read())


class ViewsKit:
    """The reference is `fold`, and `FoldedView` for questions."""

    @pytest.fixture
    def shelves(self, store: EventStore) -> EventStore:
        """A store with a read table and a history."""
        assert _views(store).define([SHELVES]) == []
        _live(store, random.Random(2), 40)
        _current(store)
        return store

    @needs("views")
    def test_a_new_table_is_empty(self, store: EventStore) -> None:
        views = _views(store)
        assert views.define([SHELVES]) == []
        assert list(views.rows("kit_shelves")) == []
        assert views.get("kit_shelves", "a") is None
        assert [(state.name, state.version, state.rows) for state in views.states()] == [
            ("kit_shelves", 1, 0)
        ]

    @needs("views")
    @pytest.mark.parametrize("seed", range(3))
    def test_a_table_holds_what_folding_the_log_gives(self, store: EventStore, seed: int) -> None:
        _views(store).define([SHELVES])
        rng = random.Random(seed)
        for _ in range(4):
            _live(store, rng, 10)
            views = _current(store)
            assert dict(views.rows("kit_shelves")) == _states(store)
            assert views.position("kit_shelves") == store.head()
            assert differences(store, views, SHELVES) == []

    @needs("views")
    def test_a_state_is_read_back_as_it_was(self, shelves: EventStore) -> None:
        for key, state in _states(shelves).items():
            assert _views(shelves).get("kit_shelves", key) == state

    @needs("views")
    def test_a_key_that_nobody_has_gives_none(self, shelves: EventStore) -> None:
        assert _views(shelves).get("kit_shelves", "unheard") is None
        assert _views(shelves).get("kit_shelves", "A") is None

    @needs("views")
    def test_a_state_that_evolves_to_none_is_gone(self, store: EventStore) -> None:
        _views(store).define([SHELVES])
        store.append(Batch(Stream("shelf", "a"), [_filled(random.Random(1))]))
        assert _current(store).get("kit_shelves", "a") is not None
        store.append(Batch(Stream("shelf", "a"), [note({}, "emptied")]))
        assert _current(store).get("kit_shelves", "a") is None
        assert list(_views(store).rows("kit_shelves")) == []

    @needs("views")
    def test_a_state_may_come_back_after_it_was_gone(self, store: EventStore) -> None:
        _views(store).define([SHELVES])
        rng = random.Random(1)
        store.append(Batch(Stream("shelf", "a"), [_filled(rng), note({}, "emptied"), _filled(rng)]))
        assert dict(_current(store).rows("kit_shelves")) == _states(store)

    @needs("views")
    def test_an_event_whose_key_is_none_concerns_nobody(self, store: EventStore) -> None:
        _views(store).define([SHELVES])
        store.append(Batch(Stream("shelf", "nobody"), [_filled(random.Random(1))]))
        assert list(_current(store).rows("kit_shelves")) == []

    @needs("views")
    def test_a_refused_append_leaves_the_tables_alone(self, shelves: EventStore) -> None:
        before = dict(_views(shelves).rows("kit_shelves"))
        with pytest.raises(VersionConflict):
            shelves.append(Batch(Stream("shelf", "a"), [_filled(random.Random(1))]), Batch(KIT, [note()], 9))
        assert dict(_current(shelves).rows("kit_shelves")) == before

    @needs("views")
    def test_a_retry_is_not_folded_twice(self, store: EventStore) -> None:
        _views(store).define([SHELVES])
        event = note({"colour": "red", "count": 2, "owner": None}, "filled", id="once")
        for _ in range(3):
            store.append(Batch(Stream("shelf", "a"), [event]))
        assert [state.count for _, state in _current(store).rows("kit_shelves")] == [2]

    @needs("views")
    def test_rows_come_in_order_of_their_keys_as_bytes(self, shelves: EventStore) -> None:
        keys = [key for key, _ in _views(shelves).rows("kit_shelves")]
        assert keys == sorted(keys, key=str.encode)
        assert len(keys) > 5

    @needs("views")
    @pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
    def test_a_selection_is_that_of_the_folded_states(self, shelves: EventStore, backwards: bool) -> None:
        folded = _folded(shelves)
        for where in FILTERS:
            found = _views(shelves).select("kit_shelves", where, backwards=backwards)
            assert found == folded.select(where, backwards=backwards), where

    @needs("views")
    @pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_pages_are_those_of_the_folded_states(
        self, shelves: EventStore, backwards: bool, limit: int
    ) -> None:
        folded = _folded(shelves)
        for where in FILTERS:
            after: str | None = None
            while True:
                bounds: dict[str, Any] = {"after": after, "limit": limit, "backwards": backwards}
                page = _views(shelves).select("kit_shelves", where, **bounds)
                assert page == folded.select(where, **bounds), (where, after)
                after = page.next
                if after is None:
                    break

    @needs("views")
    def test_a_page_may_begin_at_a_key_that_is_gone(self, shelves: EventStore) -> None:
        for after in ("", "aa", "zz"):
            page = _views(shelves).select("kit_shelves", {}, after=after)
            assert page == _folded(shelves).select({}, after=after)

    @needs("views")
    def test_states_are_counted_by_field(self, shelves: EventStore) -> None:
        for field in ("colour", "count", "full", "owner"):
            assert _views(shelves).count_by("kit_shelves", field) == _folded(shelves).count_by(field)

    @needs("views")
    def test_a_field_that_states_do_not_have_is_refused(self, shelves: EventStore) -> None:
        with pytest.raises(Usage):
            _views(shelves).select("kit_shelves", {"height": 1})
        with pytest.raises(Usage):
            _views(shelves).count_by("kit_shelves", "height")

    @needs("views")
    def test_a_table_that_was_never_defined_is_refused(self, store: EventStore) -> None:
        with pytest.raises(FleetError):
            _views(store).get("kit_unheard", "a")
        with pytest.raises(FleetError):
            _views(store).select("kit_unheard", {})

    @needs("views")
    def test_a_table_defined_late_says_so_and_catches_up(self, store: EventStore) -> None:
        _live(store, random.Random(5), 10)
        views = _views(store)
        assert views.define([SHELVES]) == []
        assert views.position("kit_shelves") < store.head()
        _live(store, random.Random(6), 3)
        catch_up(store, views, SHELVES)
        assert views.position("kit_shelves") == store.head()
        _live(store, random.Random(7), 3)
        assert dict(_current(store).rows("kit_shelves")) == _states(store)

    @needs("views")
    def test_events_taken_in_already_are_not_taken_in_again(self, shelves: EventStore) -> None:
        views = _views(shelves)
        views.apply("kit_shelves", list(shelves.read(SHELVES.query())), shelves.head())
        assert dict(views.rows("kit_shelves")) == _states(shelves)

    @needs("views")
    def test_a_rebuilt_table_holds_the_same(self, shelves: EventStore) -> None:
        before = list(_views(shelves).rows("kit_shelves"))
        rebuild(shelves, _views(shelves), SHELVES)
        assert list(_views(shelves).rows("kit_shelves")) == before
        assert _views(shelves).position("kit_shelves") == shelves.head()

    @needs("views")
    def test_while_a_table_is_rebuilt_readers_see_the_old_one(self, shelves: EventStore) -> None:
        views = _views(shelves)
        before = list(views.rows("kit_shelves"))
        events = list(shelves.read(SHELVES.query()))

        def watched() -> Any:
            for event in events:
                assert list(views.rows("kit_shelves")) == before
                yield event

        views.rebuild("kit_shelves", watched(), shelves.head())
        assert list(views.rows("kit_shelves")) == before

    @needs("views")
    def test_after_a_rebuild_appends_are_folded_on(self, shelves: EventStore) -> None:
        rebuild(shelves, _views(shelves), SHELVES)
        _live(shelves, random.Random(8), 10)
        assert dict(_current(shelves).rows("kit_shelves")) == _states(shelves)

    @needs("views")
    def test_defining_the_same_again_asks_for_nothing(self, shelves: EventStore) -> None:
        assert _views(shelves).define([SHELVES]) == []
        assert dict(_views(shelves).rows("kit_shelves")) == _states(shelves)

    @needs("views")
    def test_a_changed_version_asks_for_a_rebuild(self, shelves: EventStore) -> None:
        views = _views(shelves)
        assert views.define([WIDE_SHELVES]) == ["kit_shelves"]
        rebuild(shelves, views, WIDE_SHELVES)
        assert views.define([WIDE_SHELVES]) == []
        assert dict(views.rows("kit_shelves")) == _states(shelves, WIDE_SHELVES)
        assert [state.version for state in views.states()] == [2]

    @needs("views")
    def test_a_rebuilt_version_is_folded_on(self, shelves: EventStore) -> None:
        views = _views(shelves)
        views.define([WIDE_SHELVES])
        rebuild(shelves, views, WIDE_SHELVES)
        _live(shelves, random.Random(9), 10)
        assert dict(_current(shelves, WIDE_SHELVES).rows("kit_shelves")) == _states(shelves, WIDE_SHELVES)

    @needs("views")
    def test_a_projection_that_names_no_types_reads_all(self, store: EventStore) -> None:
        every = Projection(name="kit_all", state=WideShelf, types=(), key=_key, evolve=_count)
        _views(store).define([every])
        _live(store, random.Random(4), 20)
        assert dict(_current(store, every).rows("kit_all")) == _states(store, every)

    @needs("views")
    def test_each_table_goes_its_own_way(self, store: EventStore) -> None:
        views = _views(store)
        other = Projection(name="kit_counts", state=WideShelf, types=("filled",), key=_key, evolve=_count)
        views.define([SHELVES, other])
        _live(store, random.Random(4), 20)
        _current(store)
        assert dict(_current(store, other).rows("kit_counts")) == _states(store, other)
        assert dict(views.rows("kit_shelves")) == _states(store)
        assert [state.name for state in views.states()] == ["kit_counts", "kit_shelves"]

    @needs("views", "durability")
    def test_tables_are_there_after_reopening(
        self, shelves: EventStore, opened: Callable[[], EventStore]
    ) -> None:
        before = list(_views(shelves).rows("kit_shelves"))
        shelves.close()
        again = opened()
        assert _views(again).define([SHELVES]) == []
        assert list(_views(again).rows("kit_shelves")) == before
        _live(again, random.Random(3), 10)
        assert dict(_current(again).rows("kit_shelves")) == _states(again)

    @needs("views", "durability")
    def test_a_version_changed_while_it_was_closed_asks_for_a_rebuild(
        self, shelves: EventStore, opened: Callable[[], EventStore]
    ) -> None:
        shelves.close()
        again = opened()
        assert _views(again).define([WIDE_SHELVES]) == ["kit_shelves"]
        rebuild(again, _views(again), WIDE_SHELVES)
        assert dict(_views(again).rows("kit_shelves")) == _states(again, WIDE_SHELVES)

    @needs("views", "processes")
    def test_a_writer_that_does_not_know_the_table_leaves_a_gap_and_no_fault(
        self, shelves: EventStore, opened: Callable[[], EventStore]
    ) -> None:
        stranger = opened()
        _live(stranger, random.Random(3), 5)
        _live(shelves, random.Random(4), 5)
        views = _views(shelves)
        catch_up(shelves, views, SHELVES)
        assert dict(views.rows("kit_shelves")) == _states(shelves)

    @proves_lack_of("views")
    def test_it_lacks_views_as_it_says(self, store: EventStore) -> None:
        assert not isinstance(store, Views), "it keeps read tables: take that out of `lacks`"
