"""The steady clock: nothing but the passing of time moves it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_core.api import Fenced, Fleet, Query, machine_instant
from fleet_core.project import Project
from fleet_core.settings import Settings, StoreSettings
from fleet_leases.api import LEASES, STEADY_CLOCK, read_clock, settle
from fleet_leases.operations import LeaseList, lease_list
from fleet_specialists.api import Heartbeat, Register, Show, heartbeat, register, show
from fleets import START, TestClock, TestTimekeeper, opened
from lease_programs import InterruptedFleet, few
from toy_claims import Claim, Note, Poke, claim, note, poke

HOUR: Final = 3600.0


@pytest.fixture
def time_() -> TestTimekeeper:
    return TestTimekeeper()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, time_: TestTimekeeper) -> Iterator[Fleet]:
    with opened(
        tmp_path, request.param, timekeeper=time_, kind=InterruptedFleet, catalog=few()
    ) as opened_fleet:
        yield opened_fleet


def join(fleet: Fleet, name: str = "ada") -> int:
    return register(fleet, Register(specialist=name)).state.token


def is_alive(fleet: Fleet, token: int) -> bool:
    settle(fleet)
    return any(lease.token == token for lease in fleet.view(LEASES).select({"status": "held"}).items)


def test_this_machine_names_its_run_and_counts_its_ticks() -> None:
    first, second = machine_instant(), machine_instant()
    assert first.boot is not None
    assert first.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert first.boot == second.boot
    assert 0 < first.ticks <= second.ticks
    assert abs(first.wall - time.time_ns() // 1000) < 60_000_000


def test_a_fleet_goes_by_the_machine_s_clock_unless_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / ".fleet").mkdir()
    project = Project(tmp_path, tmp_path / ".fleet")
    with Fleet.open(project, settings=Settings(store=StoreSettings(backend="memory"))) as fleet:
        join(fleet)
        [granted] = fleet.store.read(Query.of(types=("lease_granted",)))
    assert granted.data.at.boot == machine_instant().boot


def test_it_begins_with_the_wall_clock_and_goes_with_the_ticks(fleet: Fleet, time_: TestTimekeeper) -> None:
    join(fleet)
    assert read_clock(fleet).steady == START
    time_.advance(12)
    assert read_clock(fleet).steady == START + 12_000_000


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 1e7, -1e7])
def test_a_jump_of_the_wall_clock_makes_nothing_due(fleet: Fleet, time_: TestTimekeeper, jump: float) -> None:
    token = join(fleet)
    time_.set_wall(jump)
    time_.advance(59.9)
    assert is_alive(fleet, token)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_of_the_wall_clock_keeps_nothing_alive(
    fleet: Fleet, time_: TestTimekeeper, jump: float
) -> None:
    token = join(fleet)
    time_.set_wall(jump)
    time_.advance(60)
    assert not is_alive(fleet, token)


PIECES = st.lists(st.tuples(st.floats(0.1, 50), st.floats(-1e6, 1e6)), min_size=1, max_size=8)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES)
def test_a_life_with_jumps_of_the_wall_clock_is_told_like_one_without(
    tmp_path: Path, pieces: list[tuple[float, float]]
) -> None:
    def life(jump: Callable[[TestTimekeeper, float], None]) -> list[tuple[str, str, int]]:
        own = TestTimekeeper()
        with opened(tmp_path, "memory", timekeeper=own, catalog=few()) as fleet:
            tokens = [join(fleet, name) for name in ("ada", "bo")]
            for number, (seconds, ahead) in enumerate(pieces):
                own.advance(seconds)
                jump(own, ahead)
                try:
                    heartbeat(fleet, Heartbeat(token=tokens[number % 2]))
                except Fenced:
                    tokens[number % 2] = join(fleet, ("ada", "bo")[number % 2])
            return [
                (event.type, event.stream_id, event.plain.get("at", {}).get("steady", 0))
                for event in fleet.store.read()
            ]

    assert life(TestTimekeeper.set_wall) == life(lambda own, ahead: None)


@pytest.mark.parametrize("off", [-HOUR, -1e8, 0.0])
def test_a_wall_clock_that_was_set_back_over_a_reboot_does_not_let_it_go_back(
    fleet: Fleet, time_: TestTimekeeper, off: float
) -> None:
    join(fleet)
    time_.advance(30)
    join(fleet)
    before = read_clock(fleet).steady
    time_.reboot(off)
    assert read_clock(fleet).steady >= before
    join(fleet)
    assert read_clock(fleet).steady >= before


@pytest.mark.parametrize(("off", "alive"), [(20.0, True), (49.0, True), (50.0, False), (HOUR, False)])
def test_the_time_that_a_machine_was_off_counts(
    fleet: Fleet, time_: TestTimekeeper, off: float, alive: bool
) -> None:
    token = join(fleet)
    time_.advance(10)
    heartbeat_elsewhere(fleet)
    time_.reboot(off)
    assert is_alive(fleet, token) == alive


def heartbeat_elsewhere(fleet: Fleet) -> None:
    """Have the time told by somebody else."""
    join(fleet, "bo")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.one_of(
            st.tuples(st.just("advance"), st.floats(0.1, 9)),
            st.tuples(st.just("reboot"), st.floats(-1e6, 9)),
        ),
        max_size=6,
    )
)
def test_a_lease_lasts_its_time_at_least_over_any_reboots(
    tmp_path: Path, pieces: list[tuple[str, float]]
) -> None:
    own = TestTimekeeper()
    with opened(tmp_path, "memory", timekeeper=own, catalog=few()) as fleet:
        token = join(fleet)
        passed = 0.0
        for what, seconds in pieces:
            getattr(own, what)(seconds)
            passed += seconds if what == "advance" else max(seconds, 0.0)
            poke(fleet, Poke())
        assert passed < 60
        assert is_alive(fleet, token)


def test_a_wall_clock_that_was_wrong_and_is_set_right_ends_nothing_at_the_next_start(
    fleet: Fleet, time_: TestTimekeeper
) -> None:
    time_.set_wall(-HOUR)
    join(fleet)
    time_.set_wall(HOUR)
    time_.advance(1)
    token = join(fleet)
    time_.reboot(5)
    assert is_alive(fleet, token)


def test_what_others_record_after_a_reboot_does_not_move_it(fleet: Fleet, time_: TestTimekeeper) -> None:
    """Events tell when they were recorded by the clock of whoever recorded them."""
    token = join(fleet)
    assert isinstance(fleet.clock, TestClock)
    fleet.clock.advance(HOUR)
    poke(fleet, Poke())
    time_.reboot(5)
    assert is_alive(fleet, token)


@contextmanager
def two_processes(folder: Path, time_: TestTimekeeper, *clocks: TestClock) -> Iterator[list[Fleet]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                opened(folder, "sqlite", clock, timekeeper=time_, kind=InterruptedFleet, catalog=few())
            )
            for clock in clocks
        ]


def test_two_processes_that_start_a_run_together_agree(tmp_path: Path, time_: TestTimekeeper) -> None:
    with two_processes(tmp_path, time_, TestClock(), TestClock()) as (one, other):
        ada, bo = join(one, "ada"), join(other, "bo")
        time_.reboot(3)

        def meanwhile() -> None:
            time_.set_wall(5)
            heartbeat(other, Heartbeat(token=bo))

        assert isinstance(one, InterruptedFleet)
        one.interruption = meanwhile
        heartbeat(one, Heartbeat(token=ada))
        marks = [event.data.at for event in one.store.read(Query.of(types=("lease_renewed",)))]
        assert [(mark.boot, mark.steady - mark.ticks) for mark in marks] == [
            ("machine-2", marks[0].steady - marks[0].ticks)
        ] * 2
        assert read_clock(one) == read_clock(other)


def test_clients_with_clocks_of_their_own_live_the_same_life(tmp_path: Path, time_: TestTimekeeper) -> None:
    fast, slow = TestClock(), TestClock()
    fast.advance(HOUR)
    slow.advance(-HOUR)
    with two_processes(tmp_path, time_, fast, slow) as (one, other):
        ada, bo = join(one, "ada"), join(other, "bo")
        time_.advance(30)
        heartbeat(other, Heartbeat(token=bo))
        time_.advance(29.9)
        heartbeat(one, Heartbeat(token=ada))
        time_.advance(30.1)
        settle(one)
        assert [lease.token for lease in one.view(LEASES).select({"status": "held"}).items] == [ada]
        assert show(one, Show(specialist="bo")).status == "lost"
        assert read_clock(one) == read_clock(other)


def lived_through(fleet: Fleet, time_: TestTimekeeper) -> None:
    ada = join(fleet, "ada")
    claimed = claim(fleet, Claim(token=ada, thing="routes")).state
    time_.advance(20)
    note(fleet, Note(token=claimed, lease_id="claim:routes"))
    time_.set_wall(-HOUR)
    time_.advance(70)
    join(fleet, "bo")
    time_.reboot(6)
    join(fleet, "bo")


def test_a_log_folds_to_the_same_leases_on_every_machine_at_any_time(
    fleet: Fleet, time_: TestTimekeeper
) -> None:
    lived_through(fleet, time_)
    wanted = fleet.view(LEASES).select().items, fleet.view(STEADY_CLOCK).select().items
    time_.advance(1e6)
    fleet.rebuild(LEASES)
    fleet.rebuild(STEADY_CLOCK)
    assert (fleet.view(LEASES).select().items, fleet.view(STEADY_CLOCK).select().items) == wanted


def test_the_past_is_the_same_whenever_it_is_asked_for(fleet: Fleet, time_: TestTimekeeper) -> None:
    lived_through(fleet, time_)
    head = fleet.store.head()

    def past() -> list[object]:
        return [lease_list(fleet, LeaseList(as_of=str(position))) for position in range(1, head + 1)]

    then = past()
    time_.advance(1e6)
    time_.reboot(HOUR)
    join(fleet, "cy")
    assert past() == then


def test_where_there_is_no_name_of_a_run_the_wall_clock_is_the_clock(tmp_path: Path) -> None:
    clock = TestClock()
    with opened(tmp_path, "memory", clock, catalog=few()) as fleet:
        token = join(fleet)
        clock.advance(-HOUR)
        assert is_alive(fleet, token)
        clock.advance(HOUR + 60)
        assert not is_alive(fleet, token)
