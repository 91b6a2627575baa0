"""What a log says of leases, told anew from raw events: a judge that shares no code with what it judges."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from fleet_core.api import Recorded

ONE_HOLDER: Final = "a thing has at most one holder"
LOCK_DELAY: Final = "what expired is barred for the lock-delay"
NO_STALE_WRITE: Final = "no stale write is accepted"
ALL_UNDER_IT: Final = "what is under a lease ends with it"
NOT_EARLY: Final = "nothing expires before its time"
NEVER_BACK: Final = "the clock goes with the ticks and never back"
RIGHT_TOKEN: Final = "only what is held is renewed or ended"
FENCED_RIGHTLY: Final = "only what is over is fenced"
LOST_ONCE: Final = "whose session ends without its doing is lost, once"


class Breach(NamedTuple):
    """A property that does not hold, and where."""

    property: str
    position: int
    why: str


class Grant(msgspec.Struct):
    """A lease as it stands; `due` is None for one without a time of its own."""

    lease_id: str
    token: int
    holder: str
    under: int | None
    due: int | None
    barred: bool = False


class Judge:
    """Reads a log event by event, and writes down every breach."""

    def __init__(self, lock_delay: float = 5.0) -> None:
        self._lock_delay = int(lock_delay * 1_000_000)
        self.leases: dict[str, Grant] = {}
        self.breaches: list[Breach] = []
        self._boot = ""
        self._steady = 0
        self._offsets: dict[str, int] = {}
        self._orphans: set[int] = set()
        self._losses: list[str] = []
        self._tellers: dict[str, Callable[[Recorded, dict[str, Any]], None]] = {
            "lease_granted": self._granted,
            "lease_renewed": self._renewed,
            "lease_released": self._released,
            "lease_expired": self._expired,
            "lease_freed": self._freed,
            "write_fenced": self._fenced,
            "specialist_lost": self._lost,
            "toy_noted": self._noted,
        }

    def tell(self, events: Iterable[Recorded]) -> "Judge":
        """Go on with these events."""
        for event in events:
            teller = self._tellers.get(event.type)
            if teller is not None:
                data = event.plain
                self._check_clock(event, data)
                teller(event, data)
        return self

    def is_held(self, token: int) -> bool:
        """Whether this token's lease is held now, and what it is under."""
        grant = self._by_token(token)
        return grant is not None and (grant.under is None or self.is_held(grant.under))

    def is_orphan(self, token: int) -> bool:
        """Whether what this token's lease is under has ended in this append."""
        return token in self._orphans

    def due(self, now: int) -> list[Grant]:
        """What is held or barred although its time is over."""
        return [grant for grant in self.leases.values() if grant.due is not None and grant.due <= now]

    def check_whole(self, position: int) -> None:
        """Between two appends, whatever is held is under something that is held."""
        for grant in self.leases.values():
            if not grant.barred and not self.is_held(grant.token):
                self._say(ALL_UNDER_IT, position, f"{grant.lease_id} outlived token {grant.under}")
        if self._losses:
            self._say(LOST_ONCE, position, f"{self._losses} led to no loss")

    def _by_token(self, token: int) -> Grant | None:
        held = (each for each in self.leases.values() if each.token == token and not each.barred)
        return next(held, None)

    def _say(self, broken: str, position: int, why: str) -> None:
        self.breaches.append(Breach(broken, position, why))

    def _check_clock(self, event: Recorded, data: dict[str, Any]) -> None:
        """A run goes with its ticks, and begins no earlier than what was told before it."""
        at = data.get("at")
        if at is None or "boot" not in at:
            return
        boot, steady, offset = at["boot"], at["steady"], at["steady"] - at["ticks"]
        if self._offsets.setdefault(boot, offset) != offset:
            self._say(NEVER_BACK, event.position, f"{offset} ahead of {boot}, not {self._offsets[boot]}")
        if boot != self._boot and steady < self._steady:
            self._say(NEVER_BACK, event.position, f"{boot} began at {steady}, after {self._steady}")
        self._boot, self._steady = boot, max(steady, self._steady)

    def _granted(self, event: Recorded, data: dict[str, Any]) -> None:
        lease_id, under = data["lease_id"], data.get("under")
        before = self.leases.get(lease_id)
        if before is not None and not before.barred:
            self._say(ONE_HOLDER, event.position, f"{before.holder} holds {lease_id} by {before.token}")
        if before is not None and before.barred and data["kind"] != "session":
            self._say(LOCK_DELAY, event.position, f"{lease_id} is barred until {before.due}")
        if under is not None and not self.is_held(under):
            self._say(ALL_UNDER_IT, event.position, f"{lease_id} was granted under {under}, which is over")
        due = _due(data, "ttl_ms")
        self.leases[lease_id] = Grant(lease_id, event.position, data["holder"], under, due)

    def _renewed(self, event: Recorded, data: dict[str, Any]) -> None:
        grant = self._current(event, data, barred=False)
        if grant is not None:
            grant.due = _due(data, "ttl_ms")

    def _released(self, event: Recorded, data: dict[str, Any]) -> None:
        grant = self._current(event, data, barred=False)
        if grant is None:
            return
        del self.leases[grant.lease_id]
        self._leave_orphans(grant)
        if data["how"] == "forced":
            self._note_loss(event)

    def _expired(self, event: Recorded, data: dict[str, Any]) -> None:
        was_orphan = self.is_orphan(data["token"])
        grant = self._current(event, data, barred=False)
        if grant is None:
            return
        now = data["at"]["steady"]
        if not was_orphan and (grant.due is None or now < grant.due):
            self._say(NOT_EARLY, event.position, f"{grant.lease_id} expired at {now}, due {grant.due}")
        grant.due = now + self._lock_delay
        grant.barred = True
        self._leave_orphans(grant)
        self._note_loss(event)

    def _freed(self, event: Recorded, data: dict[str, Any]) -> None:
        grant = self._current(event, data, barred=True)
        if grant is None:
            return
        now = data["at"]["steady"]
        if grant.due is None or now < grant.due:
            self._say(LOCK_DELAY, event.position, f"{grant.lease_id} freed at {now}, due {grant.due}")
        del self.leases[grant.lease_id]

    def _current(self, event: Recorded, data: dict[str, Any], *, barred: bool) -> Grant | None:
        """The lease that an event is about, if there is such a one."""
        if self._orphans and data["token"] not in self._orphans:
            self._say(ALL_UNDER_IT, event.position, f"{self._orphans} should have ended before")
        self._orphans.discard(data["token"])
        grant = self.leases.get(event.stream_id)
        if grant is not None and grant.token == data["token"] and grant.barred == barred:
            return grant
        self._say(RIGHT_TOKEN, event.position, f"{event.type} of {event.stream_id}, token {data['token']}")
        return None

    def _leave_orphans(self, parent: Grant) -> None:
        self._orphans |= {
            each.token for each in self.leases.values() if each.under == parent.token and not each.barred
        }

    def _note_loss(self, event: Recorded) -> None:
        if event.stream_id.startswith("session:"):
            self._losses.append(event.id)

    def _lost(self, event: Recorded, data: dict[str, Any]) -> None:
        if event.causation_id in self._losses:
            self._losses.remove(event.causation_id)
        else:
            self._say(LOST_ONCE, event.position, f"{data['specialist_id']} is lost for no reason")

    def _fenced(self, event: Recorded, data: dict[str, Any]) -> None:
        if self.is_held(data["token"]):
            self._say(FENCED_RIGHTLY, event.position, f"token {data['token']} is held")

    def _noted(self, event: Recorded, data: dict[str, Any]) -> None:
        if not data["token"]:
            return
        thing = self.leases.get(data["lease_id"])
        if thing is None or thing.barred or thing.holder != data["by"]:
            self._say(NO_STALE_WRITE, event.position, f"{data['by']} does not hold {data['lease_id']}")
        elif not self.is_held(data["token"]) or not self._is_under(thing, data["token"]):
            self._say(NO_STALE_WRITE, event.position, f"token {data['token']} is over")

    def _is_under(self, grant: Grant, token: int) -> bool:
        """Whether what is held is held by this token, or under it."""
        if token in (grant.token, grant.under):
            return True
        above = None if grant.under is None else self._by_token(grant.under)
        return above is not None and self._is_under(above, token)


def _due(data: dict[str, Any], field: str) -> int | None:
    lasts = data.get(field)
    return None if lasts is None else int(data["at"]["steady"]) + int(lasts) * 1000
