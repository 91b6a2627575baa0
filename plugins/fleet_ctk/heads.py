"""How most patterns are told apart without reading them: by the folders that everything they cover lies in.

`src/auth/*.py` and `src/web/*.py` share no path, for what lies in `src/auth` does not lie in `src/web`. What
this cannot tell apart, automata decide.
"""

import re
from functools import lru_cache
from typing import Final

from fleet_ctk.charsets import canonical

_WILD: Final = re.compile(r"[*?\[{\\]")
"""Where a pattern may stop to mean just what it says."""


def apart(one: str, other: str, *, case_sensitive: bool) -> bool:
    """Whether two patterns certainly have no path in common. If it says no, they may still have none."""
    first, second = head(one, case_sensitive), head(other, case_sensitive)
    return not (first.startswith(second) or second.startswith(first))


@lru_cache(maxsize=8192)
def head(text: str, case_sensitive: bool) -> str:
    """What every path that a pattern covers begins with, once a slash is put behind it; ends in a slash, or
    is empty.
    """
    wild = _WILD.search(text)
    if wild is None:
        return f"{canonical(text, case_sensitive).rstrip('/')}/"
    return canonical(text[: text.rfind("/", 0, wild.start()) + 1], case_sensitive)
