"""What other plugins may use of specialists."""

from fleet_specialists.events import SpecialistLost, SpecialistRegistered
from fleet_specialists.operations import (
    Heartbeat,
    ListSpecialists,
    Register,
    Retire,
    Session,
    Show,
    SpecialistId,
    heartbeat,
    list_specialists,
    register,
    retire,
    show,
    unknown,
)
from fleet_specialists.state import SPECIALISTS, Specialist, stream

__all__ = [
    "SPECIALISTS",
    "Heartbeat",
    "ListSpecialists",
    "Register",
    "Retire",
    "Session",
    "Show",
    "Specialist",
    "SpecialistId",
    "SpecialistLost",
    "SpecialistRegistered",
    "heartbeat",
    "list_specialists",
    "register",
    "retire",
    "show",
    "stream",
    "unknown",
]
