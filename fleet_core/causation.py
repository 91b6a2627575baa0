"""Why an event happened and what followed: its chain of causes, and the tree of its consequences.

Everything walks level by level with lists, never by recursion: a chain of thousands is a legal log.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec

from fleet_core.events import Recorded
from fleet_core.stores import Match, Query
from fleet_core.times import timestamp

Source = Callable[[Query], Iterable[Recorded]]
"""Where events come from: a store's `read`, perhaps bound to a moment of the past."""

_ASKED: Final = 50
"""Causes asked for in one query."""


class Causation(msgspec.Struct, frozen=True):
    """One event between its causes and its consequences.

    `causes` runs from the root to the direct cause. `consequences` are in the order of their distance from
    the event, so that the start of that list is always a tree by itself. `beyond` is what the first event of
    the chain names as its cause and the chain doesn't show: an id that is not in this log, or, in a `circle`,
    one of its own.
    """

    event: Recorded
    causes: Sequence[Recorded]
    consequences: Sequence[Recorded]
    beyond: str | None = None
    circle: bool = False
    hidden_causes: int = 0
    hidden_consequences: int = 0
    cut: dict[str, int] = {}
    """How many direct consequences of an event are hidden, by its id."""

    def limited(self, most: int) -> "Causation":
        """The same with at most that many causes, the root and the nearest, and consequences, the nearest."""
        causes, consequences = self.causes, self.consequences
        if len(causes) > most:
            causes = [causes[0], *causes[len(causes) - most + 1 :]]
        cut: dict[str, int] = defaultdict(int)
        for event in consequences[most:]:
            cut[_cause(event)] += 1
        return msgspec.structs.replace(
            self,
            causes=causes,
            consequences=consequences[:most],
            hidden_causes=len(self.causes) - len(causes),
            hidden_consequences=max(0, len(consequences) - most),
            cut=dict(cut),
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for programs."""
        return {
            "event": self.event.as_dict(),
            "causes": [event.as_dict() for event in self.causes],
            "consequences": [event.as_dict() for event in self.consequences],
            "beyond": self.beyond,
            "circle": self.circle,
            "hidden_causes": self.hidden_causes,
            "hidden_consequences": self.hidden_consequences,
        }


def trace(read: Source, event: Recorded) -> Causation:
    """Follow an event's causes up to the root, and its consequences down to the last."""
    seen = {event.id}
    causes = list(_causes(read, event, seen))
    consequences = list(_consequences(read, event, seen))
    first = causes[-1] if causes else event
    beyond = first.causation_id
    return Causation(event, causes[::-1], consequences, beyond, beyond in seen)


def _causes(read: Source, event: Recorded, seen: set[str]) -> Iterator[Recorded]:
    """The nearest first."""
    while event.causation_id is not None and event.causation_id not in seen:
        found = next(iter(read(Query.of(ids=(event.causation_id,)))), None)
        if found is None:
            return
        event = found
        seen.add(event.id)
        yield event


def _consequences(read: Source, event: Recorded, seen: set[str]) -> Iterator[Recorded]:
    """The nearest first; those of one distance in the order of the log."""
    level = [event.id]
    while level:
        batches = (level[start : start + _ASKED] for start in range(0, len(level), _ASKED))
        found = [each for ids in batches for each in read(_caused_by(ids)) if each.id not in seen]
        level = [each.id for each in found]
        seen.update(level)
        yield from found


def _caused_by(ids: Sequence[str]) -> Query:
    return Query(tuple(Match(causation_id=each) for each in ids))


def _cause(event: Recorded) -> str:
    """The cause of an event that was found by it."""
    assert event.causation_id is not None
    return event.causation_id


def _by_cause(causation: Causation) -> dict[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = defaultdict(list)
    for event in causation.consequences:
        found[_cause(event)].append(event)
    return found


# As text, an event stands below its cause. An only consequence stays in the column of its cause, so that a
# long chain is as narrow as a short one; several branch off to the right.


def as_text(causation: Causation) -> Iterator[str]:
    """The tree as lines for people."""
    yield from _above(causation)
    children = _by_cause(causation)
    waiting = [(causation.event, "", "")]
    while waiting:
        event, before, below = waiting.pop()
        yield f"{before}● {_label(event)}{'  ← this event' if event is causation.event else ''}"
        found, hidden = children.get(event.id, []), causation.cut.get(event.id, 0)
        if hidden:
            # Above its sisters' branches, where it can be read without walking through them.
            yield f"{below}{'├─' if found else '└─'}… {hidden:,} more not shown"
        waiting.extend(reversed(_placed(found, below, alone=len(found) == 1 and not hidden)))


def _above(causation: Causation) -> Iterator[str]:
    if causation.circle:
        yield f"↻ {causation.beyond}  (a circle: this cause stands further down)"
    elif causation.beyond is not None:
        yield f"○ {causation.beyond}  (not in this log)"
    for index, event in enumerate(causation.causes):
        yield f"● {_label(event)}"
        if index == 0 and causation.hidden_causes:
            yield f"⋮ {causation.hidden_causes:,} more not shown"


def _placed(events: list[Recorded], below: str, *, alone: bool) -> list[tuple[Recorded, str, str]]:
    """Events with what stands before each, and before what follows from it."""
    if alone:
        return [(events[0], below, below)]
    last = len(events) - 1
    return [
        (event, f"{below}{'└─' if index == last else '├─'}", f"{below}{'  ' if index == last else '│ '}")
        for index, event in enumerate(events)
    ]


def _label(event: Recorded) -> str:
    return "  ".join(_facts(event))


def _facts(event: Recorded) -> list[str]:
    return [
        f"#{event.position} {event.type}",
        f"{event.stream_type}/{event.stream_id}",
        timestamp(event.occurred_us),
    ]


# As a graph: nodes are numbered by position, which no quoting can break.


def as_mermaid(causation: Causation) -> Iterator[str]:
    """The tree as a Mermaid flow chart, for READMEs and issues."""
    yield "flowchart TD"
    for name, lines, _ in _nodes(causation):
        label = "<br/>".join(_mermaid_text(line) for line in lines)
        yield f'  {name}["{label}"]'
    for cause, consequence, certain in _edges(causation):
        yield f"  {cause} {'-->' if certain else '-.->'} {consequence}"
    yield f"  style {_node(causation.event)} stroke-width:4px"


def _mermaid_text(text: str) -> str:
    """Text within a quoted label; Mermaid spells special characters as `#code;`."""
    return "".join(f"#{ord(char)};" if char in '#&<>"`\\' else char for char in text)


def as_dot(causation: Causation) -> Iterator[str]:
    """The tree as a Graphviz digraph."""
    yield "digraph why {"
    yield '  node [shape=box, fontname="sans-serif"];'
    for name, lines, marked in _nodes(causation):
        label = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
        yield f'  {name} [label="{label}"{", penwidth=3" if marked else ""}];'
    for cause, consequence, certain in _edges(causation):
        yield f"  {cause} -> {consequence}{'' if certain else ' [style=dashed]'};"
    yield "}"


def _node(event: Recorded) -> str:
    return f"e{event.position}"


def _nodes(causation: Causation) -> Iterator[tuple[str, list[str], bool]]:
    """Name, lines of the label, and whether it is the event asked about."""
    shown = (*causation.causes, causation.event, *causation.consequences)
    if causation.beyond is not None and causation.beyond not in {event.id for event in shown}:
        yield "beyond", [causation.beyond, "not shown" if causation.circle else "not in this log"], False
    for event in shown:
        yield _node(event), _facts(event), event is causation.event
    if causation.hidden_causes:
        yield "causes", [f"{causation.hidden_causes:,} more not shown"], False
    for event in (causation.event, *causation.consequences):
        if event.id in causation.cut:
            yield f"more{event.position}", [f"{causation.cut[event.id]:,} more not shown"], False


def _edges(causation: Causation) -> Iterator[tuple[str, str, bool]]:
    """Cause, consequence, and whether one is the direct cause of the other and both are in the log."""
    chain = [*causation.causes, causation.event]
    names = {event.id: _node(event) for event in (*chain, *causation.consequences)}
    if causation.beyond is not None:
        yield names.get(causation.beyond, "beyond"), _node(chain[0]), causation.circle
    for index, (cause, event) in enumerate(pairwise(chain)):
        if index == 0 and causation.hidden_causes:
            yield from ((_node(cause), "causes", False), ("causes", _node(event), False))
        else:
            yield _node(cause), _node(event), True
    for event in causation.consequences:
        yield names[_cause(event)], _node(event), True
    for event in (causation.event, *causation.consequences):
        if event.id in causation.cut:
            yield _node(event), f"more{event.position}", False
