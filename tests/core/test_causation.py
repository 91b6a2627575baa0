"""Why an event happened: chains, trees, circles and their pictures."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import pytest

from fleet_core.causation import as_dot, as_mermaid, as_text, trace
from fleet_core.codecs import EventCodec
from fleet_core.events import Recorded, Row
from fleet_core.stores import Query
from fleet_msgspec.codecs import JsonCodec

CODEC = EventCodec(JsonCodec())


class Log:
    """Events `e1`, `e2`, ... with their causes, found by index, so that long chains are quick."""

    def __init__(self, causes: Mapping[int, int | str | None], type: str = "happened") -> None:
        self.events = {f"e{number}": _event(number, cause, type) for number, cause in causes.items()}
        self.by_cause: dict[str | None, list[Recorded]] = defaultdict(list)
        for event in self.events.values():
            self.by_cause[event.causation_id].append(event)

    def read(self, query: Query) -> Iterable[Recorded]:
        found = [event for item in query.items for event in self._matching(item.ids, item.causation_id)]
        return sorted(found, key=lambda event: event.position)

    def _matching(self, ids: tuple[str, ...], cause: str | None) -> list[Recorded]:
        return self.by_cause[cause] if cause else [self.events[each] for each in ids if each in self.events]

    def trace(self, number: int):  # type: ignore[no-untyped-def]
        return trace(self.read, self.events[f"e{number}"])


def _event(number: int, cause: int | str | None, type: str) -> Recorded:
    named = f"e{cause}" if isinstance(cause, int) else cause
    row = Row(
        number, f"e{number}", type, 1, "s", "1", number, b"{}", None, None, named, None, None, 1_000_000
    )
    return Recorded(row, CODEC)


def positions(events: Iterable[Recorded]) -> list[int]:
    return [event.position for event in events]


def picture(log: Log, number: int, most: int = 100) -> list[str]:
    """The text with its labels cut down to positions."""
    lines = as_text(log.trace(number).limited(most))
    return [re.sub(r" happened  s/1  [0-9T:.-]+Z", "", line) for line in lines]


def test_causes_run_from_the_root_to_the_direct_cause() -> None:
    log = Log({1: None, 2: 1, 3: 2, 4: 3})
    assert positions(log.trace(4).causes) == [1, 2, 3]


def test_a_root_has_no_causes_and_nothing_beyond() -> None:
    found = Log({1: None}).trace(1)
    assert (list(found.causes), list(found.consequences), found.beyond) == ([], [], None)


def test_consequences_are_in_the_order_of_their_distance() -> None:
    log = Log({1: None, 2: 1, 3: 2, 4: 1, 5: 3})
    assert positions(log.trace(1).consequences) == [2, 4, 3, 5]


def test_sisters_of_a_cause_are_no_part_of_the_answer() -> None:
    log = Log({1: None, 2: 1, 3: 1})
    found = log.trace(2)
    assert (positions(found.causes), positions(found.consequences)) == ([1], [])


def test_a_cause_that_is_not_in_the_log_is_named() -> None:
    found = Log({2: "elsewhere", 3: 2}).trace(3)
    assert (positions(found.causes), found.beyond, found.circle) == ([2], "elsewhere", False)


def test_a_circle_ends_where_it_began() -> None:
    found = Log({1: 3, 2: 1, 3: 2}).trace(2)
    assert (positions(found.causes), positions(found.consequences)) == ([3, 1], [])
    assert (found.beyond, found.circle) == ("e2", True)


def test_an_event_that_caused_itself_is_shown_once() -> None:
    found = Log({1: 1}).trace(1)
    assert (list(found.causes), list(found.consequences), found.circle) == ([], [], True)


def test_a_chain_of_five_thousand_is_followed_both_ways() -> None:
    log = Log({number: number - 1 or None for number in range(1, 5001)})
    found = log.trace(2500)
    assert positions(found.causes) == list(range(1, 2500))
    assert positions(found.consequences) == list(range(2501, 5001))


def test_a_long_chain_is_as_narrow_as_a_short_one() -> None:
    log = Log({number: number - 1 or None for number in range(1, 3001)})
    assert max(map(len, picture(log, 1500, most=5000))) < 40


def test_more_consequences_than_one_query_asks_for_are_all_found() -> None:
    log = Log(
        {1: None} | dict.fromkeys(range(2, 200), 1) | {number + 198: number for number in range(2, 200)}
    )
    assert len(log.trace(1).consequences) == 396


def test_the_text_is_a_tree_with_the_event_marked() -> None:
    log = Log({1: None, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3, 7: 4})
    assert picture(log, 2) == [
        "● #1",
        "● #2  ← this event",
        "├─● #3",
        "│ ├─● #5",
        "│ └─● #6",
        "└─● #4",
        "  ● #7",
    ]


def test_the_text_says_that_a_cause_is_not_in_this_log() -> None:
    assert picture(Log({1: "elsewhere"}), 1)[0] == "○ elsewhere  (not in this log)"


def test_the_text_says_that_a_chain_is_a_circle() -> None:
    assert picture(Log({1: 2, 2: 1}), 1)[0].startswith("↻ e1  (a circle")


def test_a_limited_chain_keeps_the_root_and_the_nearest_and_counts_the_rest() -> None:
    log = Log({number: number - 1 or None for number in range(1, 101)})
    assert picture(log, 100, most=3) == [
        "● #1",
        "⋮ 96 more not shown",
        "● #98",
        "● #99",
        "● #100  ← this event",
    ]


def test_a_limited_tree_counts_what_it_hides_at_each_branch() -> None:
    log = Log({1: None, 2: 1, 3: 1, 4: 1, 5: 2})
    found = log.trace(1).limited(2)
    assert found.hidden_consequences == 2
    assert picture(log, 1, most=2) == [
        "● #1  ← this event",
        "├─… 1 more not shown",
        "├─● #2",
        "│ └─… 1 more not shown",
        "└─● #3",
    ]


def test_a_limit_that_is_large_enough_hides_nothing() -> None:
    found = Log({1: None, 2: 1, 3: 2}).trace(2).limited(1)
    assert (found.hidden_causes, found.hidden_consequences, found.cut) == (0, 0, {})


def test_programs_get_every_event_as_plain_values() -> None:
    data = Log({1: "elsewhere", 2: 1, 3: 2}).trace(2).as_dict()
    assert [each["position"] for each in (*data["causes"], data["event"], *data["consequences"])] == [1, 2, 3]
    assert data["beyond"] == "elsewhere"


def test_mermaid_shows_every_event_and_every_link() -> None:
    lines = list(as_mermaid(Log({1: "elsewhere", 2: 1, 3: 2, 4: 2}).trace(2)))
    assert lines[0] == "flowchart TD"
    assert [line.strip() for line in lines if "-->" in line] == ["e1 --> e2", "e2 --> e3", "e2 --> e4"]
    assert "  beyond -.-> e1" in lines
    assert lines[-1] == "  style e2 stroke-width:4px"


def test_no_label_breaks_out_of_a_mermaid_node() -> None:
    lines = list(as_mermaid(Log({1: None}, type='x"]; click e1 "javascript:#`').trace(1)))
    label = lines[1].removeprefix('  e1["').removesuffix('"]')
    assert not set('"`') & set(label)
    assert "#34;" in label


def test_a_limited_graph_shows_where_something_is_hidden() -> None:
    log = Log({number: number - 1 or None for number in range(1, 11)} | {11: 5})
    found = log.trace(5).limited(2)
    edges = [line.strip() for line in as_mermaid(found) if "->" in line]
    assert edges == [
        "e1 -.-> causes",
        "causes -.-> e4",
        "e4 --> e5",
        "e5 --> e6",
        "e5 --> e11",
        "e6 -.-> more6",
    ]


def test_a_circle_is_drawn_as_one() -> None:
    edges = [line.strip() for line in as_dot(Log({1: 2, 2: 1}).trace(1)) if "->" in line]
    assert edges == ["e1 -> e2;", "e2 -> e1;"]


def test_no_label_breaks_out_of_a_dot_node() -> None:
    lines = list(as_dot(Log({1: None}, type='x"]; e2 [label="\\').trace(1)))
    assert re.fullmatch(r'  e1 \[label="(?:[^"\\]|\\.)*", penwidth=3\];', lines[2])


@pytest.mark.parametrize("most", [1, 2, 100])
def test_dot_is_balanced_and_names_only_nodes_it_declares(most: int) -> None:
    log = Log({1: "elsewhere"} | {number: number // 2 for number in range(2, 64)})
    lines = list(as_dot(log.trace(8).limited(most)))
    declared = set(re.findall(r"^  (\w+) \[label", "\n".join(lines), re.MULTILINE))
    linked = {
        name
        for line in lines
        if "->" in line
        for name in re.findall(r"\b(?:e\d+|more\d+|causes|beyond)\b", line)
    }
    assert linked <= declared
    assert (lines[0], lines[-1]) == ("digraph why {", "}")


def test_a_circle_whose_end_is_hidden_is_drawn_to_a_node_of_its_own() -> None:
    ring = Log({number: number - 1 or 50 for number in range(1, 51)})
    lines = list(as_dot(ring.trace(25).limited(3)))
    declared = set(re.findall(r"^  (\w+) \[label", "\n".join(lines), re.MULTILINE))
    linked = {name for line in lines if "->" in line for name in re.findall(r"(\w+) -> (\w+)", line)[0]}
    assert linked <= declared
