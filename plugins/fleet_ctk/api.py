"""What other plugins may use of reservations."""

from fleet_ctk.again import free_of, reserve_again
from fleet_ctk.conflicts import Taken
from fleet_ctk.coverage import Granted, Reserved, covering, granted_under, reservations
from fleet_ctk.events import CtkConflict, CtkReleased, CtkReserved
from fleet_ctk.operations import ctk_check, ctk_list, ctk_release, ctk_renew, ctk_reserve
from fleet_ctk.paths import project_path, project_pattern
from fleet_ctk.patterns import Pattern, matches, overlap, parse, witness
from fleet_ctk.requests import (
    Checked,
    CtkCheck,
    CtkList,
    CtkRelease,
    CtkRenew,
    CtkReserve,
    Listed,
    Released,
    Reservation,
)
from fleet_ctk.state import known_rule

__all__ = [
    "Checked",
    "CtkCheck",
    "CtkConflict",
    "CtkList",
    "CtkRelease",
    "CtkReleased",
    "CtkRenew",
    "CtkReserve",
    "CtkReserved",
    "Granted",
    "Listed",
    "Pattern",
    "Released",
    "Reservation",
    "Reserved",
    "Taken",
    "covering",
    "ctk_check",
    "ctk_list",
    "ctk_release",
    "ctk_renew",
    "ctk_reserve",
    "free_of",
    "granted_under",
    "known_rule",
    "matches",
    "overlap",
    "parse",
    "project_path",
    "project_pattern",
    "reservations",
    "reserve_again",
    "witness",
]
