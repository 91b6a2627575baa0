"""What a health check of group `fleet.checks` answers, shown by `fleet doctor` and `/health`.

A check is a function `check(fleet) -> Iterable[CheckResult]`.
"""

from typing import Literal

import msgspec


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: `detail` says what was found, `remedy` what to do about it."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    remedy: str = ""
