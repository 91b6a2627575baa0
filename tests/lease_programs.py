"""Random lives of a few specialists: they work, pause, lose what they had, take over, and come back with old
tokens, also in the middle of somebody's decision. After every step the log is judged by `lease_judge`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

from hypothesis import strategies as st

import toy_claims
from fleet_core.api import Batch, Condition, Conflict, Fenced, Fleet, FleetError, NotFound
from fleet_core.catalog import Catalog
from fleet_core.stores import Appended
from fleet_leases.api import LEASES
from fleet_leases.operations import LeaseRelease, lease_release
from fleet_specialists.api import Heartbeat, Register, Retire, heartbeat, register, retire
from fleets import TestTimekeeper, opened
from lease_judge import FENCED_RIGHTLY, NO_STALE_WRITE, NOT_EARLY, Breach, Judge

FENCED_ONCE: Final = "every fenced write is recorded once and changes nothing else"
SETTLED: Final = "due leases never outlive the next write"
TABLES_AGREE: Final = "the read table says what the log says"

Verb = Literal[
    "register",
    "anew",
    "retire",
    "heartbeat",
    "claim",
    "reserve",
    "note",
    "renew",
    "release",
    "force",
    "poke",
    "pass",
    "set_wall",
    "reboot",
]

_TIMES: Final = (0.5, 2.0, 4.0, 6.0, 30.0, 61.0, 90.0)
"""Seconds that pass: about a renewal, a lock-delay, and a session."""

_TTLS: Final = (None, 2_000, 20_000, 100_000)

_CONSEQUENCES: Final = frozenset({"lease_expired", "lease_freed", "specialist_lost"})
"""What settling records."""


class Step(NamedTuple):
    """What somebody does. `choice` says with which of its tokens, from the latest; what is done `meanwhile`
    comes between its decision and its append."""

    verb: Verb
    who: int = 0
    what: int = 0
    choice: int = 0
    seconds: float = 61.0
    ttl_ms: int | None = None
    meanwhile: tuple["Step", ...] = ()


Program = list[Step]

_PLAIN: Final = st.builds(
    Step,
    verb=st.sampled_from(get_args(Verb)),
    who=st.integers(0, 2),
    what=st.integers(0, 1),
    choice=st.sampled_from((0, 0, 0, 1, 2, 4)),
    seconds=st.sampled_from(_TIMES),
    ttl_ms=st.sampled_from(_TTLS),
    meanwhile=st.just(()),
)

_INTERRUPTED: Final = st.builds(
    lambda step, meanwhile: step._replace(meanwhile=tuple(meanwhile)),
    _PLAIN,
    # Nobody's decision outlives the machine it is taken on.
    st.lists(_PLAIN.filter(lambda step: step.verb != "reboot"), min_size=1, max_size=4),
)

PROGRAMS: Final = st.lists(st.one_of(_PLAIN, _PLAIN, _INTERRUPTED), min_size=6, max_size=30)
"""Random programs."""


class InterruptedFleet(Fleet):
    """Lets others do something between the decision and the append of one write."""

    interruption: Callable[[], None] | None = None

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        """Append, once the interruption is over."""
        interruption, self.interruption = self.interruption, None
        if interruption is not None:
            interruption()
        return super().append(*batches, condition=condition)


class Held(NamedTuple):
    """A token that somebody was given once, and will remember for ever."""

    token: int
    lease_id: str


class World:
    """A fleet, its clocks, and what its specialists remember."""

    def __init__(self, fleet: InterruptedFleet, time: TestTimekeeper, name: str = "") -> None:
        self.fleet, self.time = fleet, time
        self.names = [f"{each}{name}" for each in ("ada", "bo", "cy")]
        self.things = [f"{each}{name}" for each in ("routes", "schema")]
        self.judge = Judge()
        self.found: list[Breach] = []
        self._memory: dict[str, list[Held]] = {each: [] for each in self.names}
        self._told = fleet.store.head()
        self._true = 0.0
        self._start_of_run = time.wall - time.ticks
        self._told_error = 0
        self._is_wall_right = True
        self._offset: int | None = None
        self._lasting: dict[int, tuple[float, float]] = {}
        self._fenced = 0

    @property
    def breaches(self) -> list[Breach]:
        """Everything that should not be."""
        return [*self.found, *self.judge.breaches]

    def run(self, program: Program) -> list[Breach]:
        """Carry a program out; gives what is wrong."""
        for step in (*(Step("register", who) for who in range(3)), *program):
            self._step(step)
        return self.breaches

    def _step(self, step: Step) -> None:
        if step.verb in ("pass", "set_wall", "reboot"):
            self._let_time_pass(step)
            return
        held = self._chosen(step)
        alive = self._is_alive(held)
        before, fenced_before, true_before = self._told, self._fenced, self._true
        if step.meanwhile:
            self.fleet.interruption = lambda: self._meanwhile(step)
        outcome = self._outcome(step, held)
        self.fleet.interruption = None
        recorded = self._tell(true_before)
        self._check_fences(before, fenced_before, recorded)
        self._check_table()
        self.judge.check_whole(self._told)
        if not step.meanwhile:
            self._check_settled(step)
            if step.verb in _UNDER_TOKENS:
                self._check_outcome(outcome, alive, recorded)

    def _meanwhile(self, step: Step) -> None:
        for each in step.meanwhile:
            self._step(each)

    def _let_time_pass(self, step: Step) -> None:
        if step.verb == "set_wall":
            self.time.set_wall(step.seconds * 60 * (1 if step.what else -1))
            return
        self._true += step.seconds
        if step.verb == "pass":
            self.time.advance(step.seconds)
        else:
            ended = self.time.ticks
            self.time.reboot(step.seconds)
            self._start_of_run += ended + int(step.seconds * 1_000_000) - self.time.ticks
            self._offset = None

    def _chosen(self, step: Step) -> Held:
        memory = self._memory[self.names[step.who]]
        return memory[-1 - step.choice % len(memory)] if memory else Held(1, "none")

    def _is_alive(self, held: Held) -> bool | None:
        """Whether a token is good at this moment; None when nobody can tell yet."""
        now = self._steady()
        if now is None:
            return None
        return self.judge.is_held(held.token) and not self._is_due(held.token, now)

    def _is_due(self, token: int, now: int) -> bool:
        due = {grant.token for grant in self.judge.due(now)}
        above: int | None = token
        while above is not None:
            if above in due:
                return True
            grants = [grant for grant in self.judge.leases.values() if grant.token == above]
            above = grants[0].under if grants else None
        return False

    def _steady(self) -> int | None:
        """The steady clock's time, by what the last event of this run of the machine says."""
        return None if self._offset is None else self._offset + self.time.ticks

    def _outcome(self, step: Step, held: Held) -> type[FleetError] | None:
        try:
            self._do(step, held)
        except Fenced:
            self._fenced += 1
            return Fenced
        except (Conflict, NotFound) as error:
            return type(error)
        return None

    def _do(self, step: Step, held: Held) -> None:
        fleet, name, thing = self.fleet, self.names[step.who], self.things[step.what]
        target = f"claim:{thing}" if held.lease_id.startswith("session:") else held.lease_id
        match step.verb:
            case "register" | "anew":
                done = register(fleet, Register(specialist=name, anew=step.verb == "anew"))
                self._remember(step, done.state.token, f"session:{name}")
            case "retire":
                retire(fleet, Retire(specialist=name))
            case "heartbeat":
                heartbeat(fleet, Heartbeat(token=held.token))
            case "claim":
                wanted = toy_claims.Claim(token=held.token, thing=thing, ttl_ms=step.ttl_ms)
                self._remember(step, toy_claims.claim(fleet, wanted).state, f"claim:{thing}")
            case "reserve":
                part = toy_claims.Reserve(token=held.token, part=thing, ttl_ms=step.ttl_ms)
                self._remember(step, toy_claims.reserve(fleet, part).state, f"file:{thing}")
            case "note":
                toy_claims.note(fleet, toy_claims.Note(token=held.token, lease_id=target))
            case "renew":
                ttl_ms = step.ttl_ms or 10_000
                longer = toy_claims.Renew(token=held.token, lease_id=target, ttl_ms=ttl_ms)
                toy_claims.prolong(fleet, longer)
            case "release":
                toy_claims.release(fleet, toy_claims.Release(token=held.token, lease_id=target))
            case "force":
                lease_release(fleet, LeaseRelease(lease=held.lease_id, reason="somebody said so"))
            case _:
                toy_claims.poke(fleet, toy_claims.Poke())

    def _remember(self, step: Step, token: int, lease_id: str) -> None:
        memory = self._memory[self.names[step.who]]
        if Held(token, lease_id) not in memory:
            memory.append(Held(token, lease_id))

    def _tell(self, true_before: float) -> list[str]:
        """Judge what was recorded since; gives its types."""
        types = []
        for event in self.fleet.store.read(after=self._told):
            if event.stream_type == "lease":
                self._tell_time(event.plain.get("at"))
            if event.type == "lease_expired":
                self._check_lasted(event.position, event.plain["token"])
            self.judge.tell([event])
            self._told = event.position
            types.append(event.type)
            if event.type in ("lease_granted", "lease_renewed"):
                token = event.plain.get("token", event.position)
                self._lasting[token] = (true_before, event.plain.get("ttl_ms") or 0)
        return types

    def _tell_time(self, at: dict[str, Any] | None) -> None:
        """Nothing else than the wall clock tells how long a machine was off: if it was set ahead meanwhile,
        nobody can know better.
        """
        if at is None:
            return
        error = at["wall"] - at["ticks"] - self._start_of_run
        if self._offset is None and error > self._told_error:
            self._is_wall_right = False
        self._offset = at["steady"] - at["ticks"]
        self._told_error = error

    def _check_lasted(self, position: int, token: int) -> None:
        since, ttl_ms = self._lasting[token]
        is_alone = not self.judge.is_orphan(token)
        if is_alone and self._is_wall_right and self._true < since + ttl_ms / 1000:
            self._say(NOT_EARLY, position, f"token {token} expired after {self._true - since} s")

    def _check_fences(self, before: int, fenced_before: int, recorded: list[str]) -> None:
        told = recorded.count("write_fenced")
        nested = self._fenced - fenced_before
        everything = [event.type for event in self.fleet.store.read(after=before)]
        if everything.count("write_fenced") != nested or told > nested:
            self._say(FENCED_ONCE, self._told, f"{nested} writes were fenced, {everything} recorded")

    def _check_table(self) -> None:
        rows = {
            row.lease_id: (row.token, row.status == "expired", row.due_at)
            for row in self.fleet.view(LEASES).select().items
        }
        wanted = {
            grant.lease_id: (grant.token, grant.barred, grant.due) for grant in self.judge.leases.values()
        }
        if rows != wanted:
            self._say(TABLES_AGREE, self._told, f"{rows}, not {wanted}")

    def _check_settled(self, step: Step) -> None:
        now = self._steady()
        late = [] if now is None else self.judge.due(now)
        if late:
            self._say(SETTLED, self._told, f"{step.verb} left {late}")

    def _check_outcome(
        self, outcome: type[FleetError] | None, alive: bool | None, recorded: list[str]
    ) -> None:
        if outcome is Fenced:
            if alive:
                self._say(FENCED_RIGHTLY, self._told, "a token that was good is refused")
            if not _CONSEQUENCES.issuperset(set(recorded) - {"write_fenced"}):
                self._say(FENCED_ONCE, self._told, f"recorded {recorded}")
        elif alive is False and outcome is not NotFound:
            self._say(NO_STALE_WRITE, self._told, f"a token that is over was taken: {recorded}")

    def _say(self, broken: str, position: int, why: str) -> None:
        self.found.append(Breach(broken, position, why))


_UNDER_TOKENS: Final = frozenset({"heartbeat", "claim", "reserve", "note", "renew", "release"})


@cache
def few() -> Catalog:
    """The plugins that these programs are about: what others do at the end of leases is tested with them."""
    wanted = {"leases", "specialists", "memory", "sqlite", "postgres", "json"}
    return Catalog(entry for entry in Catalog.installed().entries if entry.name in wanted)


@contextmanager
def fresh_world(folder: Path) -> Iterator[World]:
    """A world in memory."""
    time = TestTimekeeper()
    with opened(folder, "memory", timekeeper=time, kind=InterruptedFleet, catalog=few()) as fleet:
        assert isinstance(fleet, InterruptedFleet)
        yield World(fleet, time)


@contextmanager
def worlds_in(folder: Path) -> Iterator["Worlds"]:
    """Worlds one after another on SQLite."""
    time = TestTimekeeper()
    careless = {"sqlite": {"unsafe_synchronous": "off"}}
    with opened(
        folder, "sqlite", timekeeper=time, plugins=careless, kind=InterruptedFleet, catalog=few()
    ) as fleet:
        assert isinstance(fleet, InterruptedFleet)
        yield Worlds(fleet, time)


class Worlds:
    """Worlds one after another in a store that is slow to open: each begins when all leases are over."""

    def __init__(self, fleet: InterruptedFleet, time: TestTimekeeper) -> None:
        self._fleet, self._time = fleet, time
        self._numbers = count()

    def another(self) -> World:
        """A world whose people and things nobody has heard of."""
        # A clock that was set back before a start stands still until there is a lease again to tell it.
        register(self._fleet, Register(specialist="nobody"))
        for _ in range(2):  # what expires is barred for a while
            self._time.advance(1000)
            toy_claims.poke(self._fleet, toy_claims.Poke())
        assert self._fleet.view(LEASES).select().items == []
        return World(self._fleet, self._time, str(next(self._numbers)))
