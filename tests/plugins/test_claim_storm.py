"""Many processes claim at once: each sortie is won once, and nobody is told of the others but by getting
another sortie.

Short here; `make claims` makes it 16 processes, 500 sorties and 20 rounds.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from claimants import Place, Won, claim_all, meet_at
from fleet_core.api import Query
from fleet_leases.api import LEASES
from fleet_missions.api import SORTIES, SortieCreate, sortie_create
from fleets import unlike
from forking import processes
from postgres_servers import SharedServer

CLAIMANTS, SORTIES_EACH, ROUNDS = map(int, os.environ.get("FLEET_CLAIMS", "8x60x1").split("x"))


@pytest.fixture(params=["sqlite", "postgres"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> list[Place]:
    """An empty store for each round."""
    folders = [tmp_path / str(number) for number in range(ROUNDS)]
    for folder in folders:
        folder.mkdir()
    if request.param == "sqlite":
        return [Place(folder, "sqlite", {}) for folder in folders]
    server: SharedServer = request.getfixturevalue("postgres")
    return [Place(folder, "postgres", {"dsn": server.dsn, "schema": server.schema()}) for folder in folders]


def test_of_many_claims_at_once_every_one_gets_a_sortie_of_its_own(places: list[Place]) -> None:
    times: list[float] = []
    for place in places:
        planned = plan(place)
        won = storm(place)
        times += [each.milliseconds for each in won]
        assert sorted(each.sortie for each in won) == planned
        assert len({each.token for each in won}) == len(planned)
        check_log(place, won)
    times.sort()
    middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
    print(
        f"\n{places[0].backend}: {len(times)} claims by {CLAIMANTS} processes:"
        f" p50 {middle:.1f} ms, p99 {late:.1f} ms, the slowest {times[-1]:.0f} ms"
    )


def plan(place: Place) -> list[str]:
    with place.open() as fleet:
        return sorted(
            sortie_create(fleet, SortieCreate(title="x", id=f"srt-{number:03}")).state.sortie_id
            for number in range(SORTIES_EACH)
        )


def storm(place: Place) -> list[Won]:
    """What all of them won; whatever else one is told than that nothing is ready is raised here."""
    context = processes()
    meeting = (context.Barrier(CLAIMANTS),)
    with ProcessPoolExecutor(CLAIMANTS, mp_context=context, initializer=meet_at, initargs=meeting) as pool:
        names = [f"s{number}" for number in range(CLAIMANTS)]
        return [each for won in pool.map(claim_all, [place] * CLAIMANTS, names) for each in won]


def check_log(place: Place, won: list[Won]) -> None:
    """The log tells of the very claims that the claimants were told of."""
    with place.open() as fleet:
        started = list(fleet.store.read(Query.of(types=("sortie_started",))))
        assert sorted(event.stream_id for event in started) == sorted(each.sortie for each in won)
        held = fleet.view(LEASES).select({"kind": "claim"}).items
        assert {lease.lease_id: lease.token for lease in held} == {
            f"claim:{each.sortie}": each.token for each in won
        }
        assert fleet.view(SORTIES).count_by("status") == {"in_progress": SORTIES_EACH}
        assert not unlike(fleet)
