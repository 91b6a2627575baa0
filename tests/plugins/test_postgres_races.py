"""Conditions of the PostgreSQL store under fire: a thousand racing appends, from connections of their own."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from fleet_core.api import (
    ALL,
    Batch,
    Condition,
    ConditionFailed,
    Expected,
    Match,
    Query,
    Stream,
    VersionConflict,
)
from fleet_core.testing.store_kit.base import race
from fleet_postgres.store import PostgresStore
from postgres_servers import SharedServer
from postgres_stores import event, execute, open_postgres

RACERS = 8
SEATS = 125

SLOW = """
CREATE FUNCTION {schema}.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF random() < 0.2 THEN PERFORM pg_sleep(random() * 0.004); END IF; RETURN NULL; END $$;
CREATE TRIGGER dawdle AFTER INSERT ON {schema}.events FOR EACH ROW EXECUTE FUNCTION {schema}.dawdle();
"""


@pytest.fixture
def stores(postgres: SharedServer) -> Iterator[list[PostgresStore]]:
    """As many stores as racers, in one schema; some appends take a while before they commit."""
    schema = postgres.schema()
    stores = [open_postgres(postgres.dsn, schema) for _ in range(RACERS)]
    execute(postgres.dsn, SLOW.replace("{schema}", schema))
    yield stores
    for store in stores:
        store.close()


Claim = Callable[[PostgresStore, int, int], None]


def claim_by_tag(store: PostgresStore, racer: int, seat: int) -> None:
    claim = event(racer, type="claimed", tags=(f"seat:{seat}", f"racer:{racer}"))
    free = Condition(Query.of(types=("claimed",), tags=(f"seat:{seat}",)))
    store.append(Batch(Stream("racer", str(racer)), [claim]), condition=free)


def claim_by_stream(store: PostgresStore, racer: int, seat: int) -> None:
    other = Stream("seat", f"{seat}-{racer % 2}")
    free = Condition(Query.of(streams=(Stream("seat", f"{seat}-0"), Stream("seat", f"{seat}-1"))))
    store.append(Batch(other, [event(racer, tags=(f"seat:{seat}",))]), condition=free)


def claim_by_several_items(store: PostgresStore, racer: int, seat: int) -> None:
    """Half of the racers put the claim where one item looks, half where the other does."""
    free = Condition(Query((Match(tags=(f"seat:{seat}",)), Match(streams=(Stream("seat", str(seat)),)))))
    there = Batch(Stream("seat", str(seat)), [event(racer, tags=("any", f"seat:{seat}"))])
    here = Batch(Stream("racer", str(racer)), [event(racer, tags=(f"seat:{seat}",))])
    store.append(there if racer % 2 else here, condition=free)


def claim_by_type(store: PostgresStore, racer: int, seat: int) -> None:
    claim = event(racer, type=f"claimed-{seat}", tags=(f"seat:{seat}",))
    free = Condition(Query.of(types=(f"claimed-{seat}",)))
    store.append(Batch(Stream("racer", str(racer)), [claim]), condition=free)


def claim_by_version(store: PostgresStore, racer: int, seat: int) -> None:
    claim = event(racer, tags=(f"seat:{seat}",))
    store.append(Batch(Stream("seat", str(seat)), [claim], Expected.NO_STREAM))


@pytest.mark.parametrize(
    "claim", [claim_by_tag, claim_by_stream, claim_by_several_items, claim_by_type, claim_by_version]
)
def test_of_a_thousand_racing_claims_each_seat_goes_to_one(stores: list[PostgresStore], claim: Claim) -> None:
    def run(racer: int) -> int:
        seats = list(range(SEATS))
        random.Random(racer // 2).shuffle(seats)  # pairs go the same way, and meet at every seat
        return sum(_gets(claim, stores[racer], racer, seat) for seat in seats)

    won = race(*(partial(run, racer) for racer in range(RACERS)))
    claims = Counter(tag for found in stores[0].read() for tag in found.tags if tag.startswith("seat:"))
    assert claims == {f"seat:{seat}": 1 for seat in range(SEATS)}
    assert sum(each for each in won if isinstance(each, int)) == SEATS


def _gets(claim: Claim, store: PostgresStore, racer: int, seat: int) -> bool:
    try:
        claim(store, racer, seat)
    except (ConditionFailed, VersionConflict):
        return False
    return True


def by_tag(topic: str) -> Query:
    return Query.of(tags=(topic,))


def by_type(topic: str) -> Query:
    return Query.of(types=(topic,))


@pytest.mark.parametrize("query", [by_tag, by_type])
def test_no_unconditional_append_slips_past_a_condition(
    stores: list[PostgresStore], query: Callable[[str], Query]
) -> None:
    """Each of those under a condition says how far it had looked; nothing may stand between."""

    def free(racer: int) -> None:
        for number in range(60):
            topic = f"topic-{number % 3}"
            stores[racer].append(Batch(Stream("free", str(racer)), [event(type=topic, tags=(topic,))]))

    def bound(racer: int) -> None:
        for number in range(60):
            topic = f"topic-{number % 3}"
            after = stores[racer].head()
            looked = event([topic, after], type="looked")
            try:
                batch = Batch(Stream("bound", str(racer)), [looked])
                stores[racer].append(batch, condition=Condition(query(topic), after))
            except ConditionFailed:
                continue

    race(*(partial(free if racer % 2 else bound, racer) for racer in range(RACERS)))
    log = list(stores[0].read())
    decided = [found for found in log if found.type == "looked"]
    for found in decided:
        topic, after = found.plain
        between = [each for each in log if after < each.position < found.position and each.type == topic]
        assert between == []
    assert decided


def test_a_boundary_is_judged_by_all_that_was_recorded_before(stores: list[PostgresStore]) -> None:
    def count(racer: int) -> None:
        for _ in range(10):
            while not _step(stores[racer]):
                pass

    race(*(partial(count, racer) for racer in range(4)))
    assert [found.plain for found in stores[0].read()] == list(range(1, 41))


def _step(store: PostgresStore) -> bool:
    last = next(store.read(backwards=True, limit=1), None)
    position, number = (0, 0) if last is None else (last.position, last.plain)
    try:
        store.append(
            Batch(Stream("count", str(number % 7)), [event(number + 1)]), condition=Condition(ALL, position)
        )
    except ConditionFailed:
        return False
    return True
