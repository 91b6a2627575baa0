"""What other plugins may use of specialists."""

from fleet_specialists.operations import (
    Heartbeat,
    ListSpecialists,
    Register,
    Show,
    SpecialistId,
    heartbeat,
    list_specialists,
    register,
    show,
    unknown,
)
from fleet_specialists.state import SPECIALISTS, Specialist, stream

__all__ = [
    "SPECIALISTS",
    "Heartbeat",
    "ListSpecialists",
    "Register",
    "Show",
    "Specialist",
    "SpecialistId",
    "heartbeat",
    "list_specialists",
    "register",
    "show",
    "stream",
    "unknown",
]
