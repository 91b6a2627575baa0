"""Where chains of causes begin: the correlation of every event, forward references and circles included."""

from collections.abc import Mapping
from typing import NamedTuple


class Lineage(NamedTuple):
    """`roots` holds the correlation of each event that has a cause, `circles` one event of each circle."""

    roots: dict[str, str]
    circles: list[str]


def trace_roots(causes: Mapping[str, str | None]) -> Lineage:
    """Follow the causes of all events (their ids to their causes' ids) to the first event of each chain.

    A chain that leaves the file is correlated by the id it leaves through, as a store does it. In a circle
    there is no first event; the smallest id stands for all that is in it or follows from it.
    """
    roots: dict[str, str] = {}
    circles: list[str] = []
    for event, cause in causes.items():
        if cause is None or event in roots:
            continue
        path = _path(event, causes, roots)
        end = causes.get(path[-1])
        if end is not None and end not in roots:
            root = min(path[path.index(end) :])
            circles.append(root)
        else:
            root = path[-1] if end is None else roots[end]
        roots.update(dict.fromkeys(path, root))
    return Lineage({event: root for event, root in roots.items() if causes.get(event) is not None}, circles)


def _path(event: str, causes: Mapping[str, str | None], roots: Mapping[str, str]) -> list[str]:
    """The ids from an event to the first of its chain, to one whose root is known, or once around a circle.

    The last id is a root, one outside the file, or one whose cause is known or on the path already.
    """
    path = {event: None}
    cause = causes.get(event)
    while cause is not None and cause not in path and cause not in roots:
        path[cause] = None
        cause = causes.get(cause)
    return list(path)
