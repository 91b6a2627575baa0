"""Reading the fields of one row, and noting what is wrong with each."""

import math
from typing import Any, Final

from fleet_core.api import Invalid, check_name
from fleet_legacy.findings import Findings, Steps
from fleet_legacy.values import Decoded, decode, kind_of, parse_time

MISSING: Final = object()


class Row:
    """A row of the file. Methods give a field's value or note a fault; `good` says that there was none."""

    def __init__(self, fields: dict[str, Any], steps: Steps, findings: Findings) -> None:
        self.fields = fields
        self.steps = steps
        self.good = True
        self._findings = findings

    def fault(self, field: str, reason: str) -> None:
        """Note that a field can't be kept."""
        self.good = False
        self._findings.fault((*self.steps, field), reason)

    def oddity(self, kind: str, field: str | None = None) -> None:
        """Note something unusual that is kept."""
        self._findings.oddity(self.steps if field is None else (*self.steps, field), kind)

    def name(self, field: str) -> str:
        """An id or a type: text that keeps the rules for names."""
        value = self.text(field)
        try:
            return check_name(value, field) if value else value
        except Invalid as error:
            self.fault(field, error.message.removeprefix(f"{field} "))
            return ""

    def optional_name(self, field: str) -> str | None:
        """A name, or None where there is null, nothing, or an empty text."""
        return self.name(field) if self.fields.get(field) not in (None, "") else None

    def text(self, field: str) -> str:
        """Any text but an empty one."""
        value = self.fields.get(field, MISSING)
        if isinstance(value, str) and value:
            return value
        self.fault(field, "is empty" if value == "" else _instead_of("text", value))
        return ""

    def optional_text(self, field: str) -> str | None:
        """Any text, or None where there is null or nothing."""
        value = self.fields.get(field)
        if value is None or isinstance(value, str):
            return value
        self.fault(field, _instead_of("text", value))
        return None

    def time(self, field: str) -> int:
        """A time, in microseconds since 1970."""
        value = self.fields.get(field, MISSING)
        try:
            if not isinstance(value, str):
                raise ValueError(_instead_of("a time", value))
            return parse_time(value)
        except ValueError as error:
            self.fault(field, str(error))
            return 0

    def optional_time(self, field: str) -> int | None:
        """A time, or None where there is null or nothing."""
        return None if self.fields.get(field) is None else self.time(field)

    def json(self, field: str) -> Decoded:
        """The value of a JSON text."""
        value = self.fields.get(field, MISSING)
        if not isinstance(value, str):
            self.fault(field, _instead_of("JSON text", value))
            return Decoded(None, True)
        try:
            return decode(value)
        except ValueError as error:
            self.fault(field, f"is not JSON text that can be kept: {error}")
            return Decoded(None, True)

    def number(self, field: str) -> int | float:
        """A finite number."""
        value = self.fields.get(field, MISSING)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return value
        self.fault(field, _instead_of("a finite number", value))
        return 0

    def optional_number(self, field: str) -> int | float | None:
        """A finite number, or None where there is null or nothing."""
        return None if self.fields.get(field) is None else self.number(field)


def _instead_of(wanted: str, value: Any) -> str:
    return "is missing" if value is MISSING else f"must be {wanted}, got {kind_of(value)}"


def objects_of(value: Any, steps: Steps, findings: Findings) -> dict[str, Any]:
    """The rows of a part of the file, by key; JavaScript takes a missing or null part for an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        findings.fault(steps, f"must be an object, got {kind_of(value)}")
        return {}
    return {key: row for key, row in value.items() if _is_good_key(key, (*steps, key), findings)}


def _is_good_key(key: str, steps: Steps, findings: Findings) -> bool:
    try:
        check_name(key, "key")
    except Invalid as error:
        findings.fault(steps, error.message)
        return False
    return True


def row_of(value: Any, steps: Steps, findings: Findings) -> Row | None:
    """A row to read the fields of; None, and a fault, when it has none."""
    if not isinstance(value, dict):
        findings.fault(steps, f"must be an object, got {kind_of(value)}")
        return None
    return Row(value, steps, findings)
