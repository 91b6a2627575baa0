"""Reservations said a second time, without a log: who holds what, by the rules alone. It tells what a fleet
should answer, and what it should list. Whether patterns overlap it finds out by trying paths.
"""

from collections.abc import Callable
from functools import cache
from typing import Final, Literal, NamedTuple

import msgspec
from hypothesis import strategies as st

import pattern_oracle as oracle
from fleet_core.api import Conflict, Fenced, Fleet, NotFound
from fleet_ctk.api import (
    CtkList,
    CtkRelease,
    CtkRenew,
    CtkReserve,
    Taken,
    ctk_list,
    ctk_release,
    ctk_renew,
    ctk_reserve,
)
from fleet_specialists.api import Register, register
from fleets import TestClock

NAMES: Final = ("ada", "bo", "cy")
PATTERNS: Final = ("a", "a/*", "a/**", "b", "*", "[ab]/b", "a/b/**")
SESSION, LOCK_DELAY, RENEWED_AFTER = 60, 5, 5
"""In seconds; a session is renewed by a write when more than the last one is gone of its time."""

Answer = Literal["done", "taken", "fenced", "conflict", "nothing"]


class Step(NamedTuple):
    """What somebody does, or that time passes."""

    verb: Literal["reserve", "renew", "release", "register", "pass"]
    who: str = "ada"
    patterns: tuple[str, ...] = ()
    shared: bool = False
    ttl: int = 0
    seconds: int = 0


_WHO: Final = st.sampled_from(NAMES)
_PATTERN: Final = st.sampled_from(PATTERNS)

_RESERVE: Final = st.builds(
    Step,
    st.just("reserve"),
    _WHO,
    st.lists(_PATTERN, min_size=1, max_size=2, unique=True).map(tuple),
    st.booleans(),
    st.sampled_from((0, 7, 40)),
)
_RELEASE: Final = st.builds(lambda who, pattern: Step("release", who, (pattern,)), _WHO, _PATTERN)
_PASS: Final = st.builds(lambda seconds: Step("pass", seconds=seconds), st.sampled_from((1, 4, 5, 6, 30, 61)))
_OTHER: Final = st.builds(lambda verb, who: Step(verb, who), st.sampled_from(("renew", "register")), _WHO)


def _let_go_late(reserve: Step, seconds: int) -> list[Step]:
    """Somebody gives something back that may be over, twice."""
    release = Step("release", reserve.who, reserve.patterns[:1])
    return [reserve, Step("pass", seconds=seconds), release, release]


def _come_back(reserve: Step, other: str) -> list[Step]:
    """Somebody is lost, which others notice, and comes back in a new session."""
    again = Step("register", reserve.who)
    return [reserve, Step("pass", seconds=SESSION), Step("register", other), again, reserve]


STEPS: Final = st.lists(
    st.one_of(
        *(each.map(lambda step: [step]) for each in (_RESERVE, _RESERVE, _RELEASE, _PASS, _OTHER)),
        st.builds(_let_go_late, _RESERVE, st.sampled_from((1, 6, 13))),
        st.builds(_come_back, _RESERVE, _WHO),
    ),
    min_size=8,
    max_size=25,
).map(lambda parts: [step for part in parts for step in part])
"""Random programs."""


class Held(msgspec.Struct):
    """A reservation; once it is barred, `until` is when it is free."""

    who: str
    session: int
    pattern: str
    shared: bool
    ttl: int
    until: int | None
    barred: bool = False


class Listed(NamedTuple):
    """A line of the list."""

    holder: str
    pattern: str
    shared: bool
    barred: bool
    seconds: int | None


class Model:
    """What the rules say."""

    def __init__(self) -> None:
        self.now = 0
        self.held: list[Held] = []
        self.sessions = dict.fromkeys(NAMES, 0)
        self.live = dict.fromkeys(NAMES, -1)
        """Until when each session lives; -1 once it is over."""
        self.had: set[tuple[str, int, str]] = set()
        for name in NAMES:
            self.do(Step("register", name))

    def do(self, step: Step) -> Answer:
        """Carry a step out; gives what whoever asks is told."""
        if step.verb == "pass":
            self.now += step.seconds
            return "done"
        self._settle()
        if step.verb == "register":
            self.sessions[step.who] += self.live[step.who] < 0
            self.live[step.who] = self.now + SESSION
            return "done"
        if self.live[step.who] < 0:
            return "fenced"
        deeds: dict[str, Callable[[Step], Answer]] = {
            "reserve": self._reserve,
            "renew": self._renew,
            "release": self._release,
        }
        answer = deeds[step.verb](step)
        if answer == "done" and self.now > self.live[step.who] - SESSION + RENEWED_AFTER:
            self.live[step.who] = self.now + SESSION
        return answer

    def listed(self) -> list[Listed]:
        """What is held and barred."""
        return sorted(
            Listed(
                each.who,
                each.pattern,
                each.shared,
                each.barred,
                None if each.until is None else max(0, each.until - self.now),
            )
            for each in self.held
        )

    def _settle(self) -> None:
        self.held = [each for each in self.held if not (each.barred and self._is_due(each.until))]
        lost = [name for name in NAMES if 0 <= self.live[name] <= self.now]
        for each in self.held:
            if not each.barred and (each.who in lost or self._is_due(each.until)):
                each.barred, each.until = True, self.now + LOCK_DELAY
        for name in lost:
            self.live[name] = -1

    def _is_due(self, until: int | None) -> bool:
        return until is not None and until <= self.now

    def _own(self, who: str) -> list[Held]:
        session = self.sessions[who]
        return [each for each in self.held if each.who == who and each.session == session and not each.barred]

    def _reserve(self, step: Step) -> Answer:
        session = self.sessions[step.who]
        others = [each for each in self.held if (each.who, each.session) != (step.who, session)]
        for each in others:
            clash = any(do_overlap(each.pattern, pattern) for pattern in step.patterns)
            if clash and not (each.shared and step.shared):
                return "taken"
        for pattern in step.patterns:
            self._take(step, pattern)
        return "done"

    def _take(self, step: Step, pattern: str) -> None:
        self.had.add((step.who, self.sessions[step.who], pattern))
        own = next((each for each in self._own(step.who) if each.pattern == pattern), None)
        if own is not None and (step.shared or not own.shared) and (step.ttl or own.until is None):
            if own.until is not None:
                own.until, own.ttl = self.now + step.ttl, step.ttl
            return
        if own is not None:
            self.held.remove(own)
        until = self.now + step.ttl if step.ttl else None
        self.held.append(Held(step.who, self.sessions[step.who], pattern, step.shared, step.ttl, until))

    def _renew(self, step: Step) -> Answer:
        own = self._own(step.who)
        for each in own:
            if each.until is None:
                self.live[step.who] = self.now + SESSION
            else:
                each.until = self.now + each.ttl
        return "done" if own else "nothing"

    def _release(self, step: Step) -> Answer:
        (pattern,) = step.patterns
        own = [each for each in self._own(step.who) if each.pattern == pattern]
        if own:
            self.held.remove(own[0])
            return "done"
        if any(each.pattern == pattern and not each.barred for each in self.held):
            return "conflict"
        return "fenced" if (step.who, self.sessions[step.who], pattern) in self.had else "nothing"


@cache
def do_overlap(one: str, other: str) -> bool:
    """Whether any short path is covered by both."""
    return bool(oracle.matched(one, "ab.") & oracle.matched(other, "ab."))


class Real:
    """The same for a fleet."""

    def __init__(self, fleet: Fleet, clock: TestClock, suffix: str = "") -> None:
        self.fleet, self.clock, self.suffix = fleet, clock, suffix
        self.tokens = {name: self._register(name) for name in NAMES}

    def _register(self, name: str) -> int:
        return register(self.fleet, Register(specialist=f"{name}{self.suffix}")).state.token

    def do(self, step: Step) -> Answer:
        """Carry a step out; gives what whoever asks is told."""
        try:
            self._do(step)
        except Taken:
            return "taken"
        except Fenced:
            return "fenced"
        except Conflict:
            return "conflict"
        except NotFound:
            return "nothing"
        return "done"

    def _do(self, step: Step) -> None:
        token = self.tokens[step.who]
        match step.verb:
            case "pass":
                self.clock.advance(step.seconds)
            case "register":
                self.tokens[step.who] = self._register(step.who)
            case "reserve":
                wanted = CtkReserve(token=token, paths=step.patterns, shared=step.shared, ttl=step.ttl)
                ctk_reserve(self.fleet, wanted)
            case "renew":
                ctk_renew(self.fleet, CtkRenew(token=token, all=True))
            case "release":
                ctk_release(self.fleet, CtkRelease(token=token, paths=step.patterns))

    def listed(self) -> list[Listed]:
        """What is held and barred."""
        found = ctk_list(self.fleet, CtkList(limit=1000)).items
        return sorted(
            Listed(
                each.holder.removesuffix(self.suffix) if self.suffix else each.holder,
                each.pattern,
                each.shared,
                each.status == "barred",
                None if each.expires_in_ms is None else each.expires_in_ms // 1000,
            )
            for each in found
        )
