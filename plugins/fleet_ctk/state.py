"""The project's rule of case as the log tells it. What is reserved is told by the leases."""

from typing import Final

import msgspec

from fleet_core.api import Decision, Fleet, Projection, Recorded, Stream
from fleet_ctk.case_rule import case_sensitive
from fleet_ctk.events import CtkCaseRule

STREAM_TYPE: Final = "ctk"
"""The type of the streams of locks, one for each reservation, and of the rule's."""

RULE: Final = Stream(STREAM_TYPE, "case-rule")
"""Where the rule is told."""


class CaseRule(msgspec.Struct, frozen=True):
    """Whether names that differ in case alone are two."""

    case_sensitive: bool


def key(event: Recorded) -> str | None:
    """There is one rule."""
    return RULE.id if (event.stream_type, event.stream_id) == RULE else None


def evolve(state: CaseRule | None, event: Recorded) -> CaseRule | None:
    """The first word counts: reservations since then go by it."""
    if state is None and isinstance(event.known, CtkCaseRule):
        return CaseRule(event.known.case_sensitive)
    return state


CASE_RULE: Final = Projection(
    name="ctk_case_rule", state=CaseRule, types=(CtkCaseRule.type_name,), key=key, evolve=evolve
)
"""The one rule."""


def rule_for(decision: Decision) -> bool:
    """Whether case counts; the decision depends on it."""
    rule = decision.look(CASE_RULE, RULE)
    return case_sensitive(decision.fleet.project) if rule is None else rule.case_sensitive


def settle_rule(decision: Decision, found: bool, cause: str) -> None:
    """Have the rule recorded that a decision went by, unless it is. So who reserves first says what holds on
    its machine, and all others follow.
    """
    is_said = any(stream == RULE for stream, _ in decision.recorded)
    if not is_said and decision.look(CASE_RULE, RULE) is None:
        decision.record(RULE, CtkCaseRule(case_sensitive=found), cause=cause)


def known_rule(fleet: Fleet, as_of: str | None = None) -> bool:
    """Whether case counts, or will once somebody reserves something."""
    rule = fleet.view(CASE_RULE, as_of).get(RULE.id)
    return case_sensitive(fleet.project) if rule is None else rule.case_sensitive
