"""Operations: what a function must be for surfaces to wear it, and how a request is recognised again."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import toys
from fleet_core.api import Batch, Conflict, Done, Invalid, Match, PluginBroken, Query, Read, Stream
from fleet_core.fleet import Fleet
from fleet_core.operations import Decision, Operation, find_answer
from toys import FillBox, MakeBox, ShowBox, fill, make, show, toy_fleet


def test_an_operation_is_derived_from_its_function() -> None:
    operation = Operation.of("box.make", make)
    assert operation == ("box.make", make, MakeBox, Done[toys.Box], False, "Make a box.")


def test_a_function_of_a_read_request_is_safe() -> None:
    assert Operation.of("box.show", show).safe


def without_request(fleet: Fleet) -> None: ...
def without_hints(fleet, request): ...  # type: ignore[no-untyped-def]
def of_a_mere_struct(fleet: Fleet, request: toys.Box) -> None: ...
def of_too_much(fleet: Fleet, request: ShowBox, more: int) -> None: ...
def of_text(fleet: Fleet, request: str) -> None: ...


@pytest.mark.parametrize("function", [without_request, without_hints, of_a_mere_struct, of_too_much, of_text])
def test_a_function_of_anything_else_is_a_broken_plugin(function) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(PluginBroken, match=rf"operation box\.x .*{function.__name__}"):
        Operation.of("box.x", function)


def test_an_operation_without_a_docstring_has_an_empty_summary() -> None:
    def silent(fleet: Fleet, request: ShowBox) -> None: ...

    assert Operation.of("box.silent", silent).summary == ""


@pytest.mark.parametrize("struct", [MakeBox, ShowBox])
def test_a_request_refuses_fields_it_does_not_have(struct: type[msgspec.Struct]) -> None:
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert({"box": "a", "colour": "red"}, struct)


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_that_is_empty_or_too_long_is_refused(key: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="key"):
        msgspec.convert({"box": "a", "key": key}, MakeBox)


def test_every_read_can_look_at_the_past() -> None:
    assert "as_of" in Read.__struct_fields__


def test_a_request_without_a_key_has_no_earlier_answer(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as fleet:
        make(fleet, MakeBox(box="a"))
        assert find_answer(fleet, MakeBox(box="a")) == []


def test_all_events_of_the_first_answer_are_found_again_and_no_more(tmp_path: Path) -> None:
    request = FillBox(box="a", amounts=(1, 2, 3), key="k")
    with toy_fleet(tmp_path) as fleet:
        make(fleet, MakeBox(box="a"))
        fill(fleet, request)
        fill(fleet, FillBox(box="a", amounts=(4,)))
        assert [event.position for event in find_answer(fleet, request)] == [2, 3, 4]


def test_events_say_which_key_recorded_them(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as fleet:
        make(fleet, MakeBox(box="a", key="k"))
        make(fleet, MakeBox(box="b"))
        assert [event.metadata.get("key") for event in fleet.store.read()] == ["k", None]


def test_causes_tags_and_streams_are_recorded_as_decided(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as fleet:
        make(fleet, MakeBox(box="a", label="x"))
        fill(fleet, FillBox(box="a", amounts=(1, 2)))
        made, first, second = fleet.store.read()
        assert (made.tags, first.causation_id, second.causation_id) == (("label:x",), None, first.id)
        assert [event.position for event in fleet.store.read(Query.of(tags=("label:x",)))] == [1]


def test_events_are_appended_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as fleet:
        decision = Decision(fleet, MakeBox(box="a"))
        for name in ("a", "b", "a"):
            decision.record(Stream("box", name), toys.BoxMade(label="x"))
        batches = decision.as_batches()
    assert [(batch.stream.id, len(batch.events)) for batch in batches] == [("a", 1), ("b", 1), ("a", 1)]


def test_streams_looked_at_for_the_same_events_are_one_question(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as fleet:
        decision = Decision(fleet, MakeBox(box="a"))
        for name in ("a", "b", "a"):
            decision.look(toys.BOXES, Stream("box", name))
            decision.depend_on(Match(tags=("label:x",)))
        decision.look(toys.LABELS, Stream("box", "a"))
    assert decision.basis() == Query(
        (
            Match(streams=(Stream("box", "a"), Stream("box", "b")), types=toys.BOXES.types),
            Match(streams=(Stream("box", "a"),), types=toys.LABELS.types),
            Match(tags=("label:x",)),
        )
    )


def test_an_attempt_that_fails_leaves_nothing_and_raises_on(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as fleet:
        decision = Decision(fleet, MakeBox(box="a"))
        decision.record(Stream("box", "a"), toys.BoxMade(label="x"))

        def fail() -> None:
            with decision.attempt():
                decision.look(toys.BOXES, Stream("box", "b"))
                decision.record(Stream("box", "b"), toys.BoxMade(label="x"))
                decision.afterwards(lambda: None)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert (len(decision.recorded), len(decision.seen), len(decision.followers)) == (1, 0, 0)
        decision.look(toys.BOXES, Stream("box", "b"))
        assert len(decision.seen) == 1


def test_an_attempt_that_no_store_takes_leaves_nothing(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as fleet:
        decision = Decision(fleet, MakeBox(box="a"))
        with pytest.raises(Invalid), decision.attempt():
            decision.record(Stream("box", "b"), toys.BoxFilled(amount=-1))
        assert decision.recorded == []


def test_what_a_decision_asks_once_is_found_out_once(tmp_path: Path) -> None:
    asked: list[Decision] = []

    def find(decision: Decision) -> int:
        asked.append(decision)
        return len(asked)

    with toy_fleet(tmp_path) as fleet:
        decision = Decision(fleet, MakeBox(box="a"))
        assert (decision.once(find), decision.once(find)) == (1, 1)
        assert Decision(fleet, MakeBox(box="a")).once(find) == 2


@given(st.lists(st.text(min_size=1, max_size=200), min_size=2, max_size=2, unique=True))
def test_other_keys_give_other_events(keys: list[str]) -> None:
    ids = {
        Decision(_Clockwork(), MakeBox(box="a", key=key)).record(Stream("box", "a"), toys.BoxMade(label="x"))  # type: ignore[arg-type]
        for key in keys
    }
    assert len(ids) == 2


class _Clockwork:
    """As much of a fleet as a decision with a key needs."""

    def clock(self) -> int:
        return 0


def test_a_refusal_worth_an_event_records_that_and_nothing_else(tmp_path: Path) -> None:
    def refuse(decision: Decision) -> None:
        decision.record(Stream("box", "a"), toys.BoxMade(label="never"))
        decision.refuse(Conflict("no"), Stream("box", "b"), toys.BoxMade(label="refused"))

    with toy_fleet(tmp_path) as fleet:
        with pytest.raises(Conflict, match="no"):
            fleet.carry_out(MakeBox(box="a"), refuse)
        assert [(event.stream_id, event.plain["label"]) for event in fleet.store.read()] == [("b", "refused")]


def test_a_refusal_is_recorded_once_for_a_key(tmp_path: Path) -> None:
    def refuse(decision: Decision) -> None:
        decision.refuse(Conflict("no"), Stream("box", "b"), toys.BoxMade(label="refused"))

    with toy_fleet(tmp_path) as fleet:
        for _ in range(2):
            with pytest.raises(Conflict, match="no"):
                fleet.carry_out(MakeBox(box="a", key="k"), refuse)
        assert fleet.store.head() == 1


def test_what_follows_a_decision_is_done_once_it_is_recorded(tmp_path: Path) -> None:
    seen: list[int] = []

    with toy_fleet(tmp_path) as fleet:

        def decide(decision: Decision) -> None:
            decision.record(Stream("box", "a"), toys.BoxMade(label="x"))
            decision.afterwards(lambda: seen.append(fleet.store.head()))

        fleet.carry_out(MakeBox(box="a"), decide)
    assert seen == [1]


def test_what_fails_afterwards_is_reported_and_undoes_nothing(tmp_path: Path) -> None:
    warnings: list[str] = []

    def decide(decision: Decision) -> None:
        decision.record(Stream("box", "a"), toys.BoxMade(label="x"))
        decision.afterwards(lambda: (tmp_path / "missing" / "file").write_text("x"))

    with toy_fleet(tmp_path) as fleet:
        fleet.warn = warnings.append
        assert fleet.carry_out(MakeBox(box="a"), decide).position == 1
    assert len(warnings) == 1


def test_a_refusal_out_of_states_that_never_stood_side_by_side_is_thought_over(tmp_path: Path) -> None:
    """Of two boxes that are made in one append it sees one at first: somebody was first in between."""

    def decide(decision: Decision) -> None:
        first = decision.look(toys.BOXES, Stream("box", "a"))
        if fleet.store.head() == 0:
            fleet.append(*(Batch(Stream("box", name), [toys.BoxMade(label="x")]) for name in "ab"))
        if (first is None) != (decision.look(toys.BOXES, Stream("box", "b")) is None):
            raise Conflict("one box without the other")

    with toy_fleet(tmp_path) as fleet:
        assert fleet.carry_out(MakeBox(box="c"), decide).position == 2


def test_a_refusal_that_others_keep_making_old_is_given_in_the_end(tmp_path: Path) -> None:
    def decide(decision: Decision) -> None:
        decision.look(toys.BOXES, Stream("box", "a"))
        fleet.append(Batch(Stream("box", "a"), [toys.BoxMade(label="x")]))
        raise Conflict("no")

    with toy_fleet(tmp_path) as fleet, pytest.raises(Conflict, match="no"):
        fleet.carry_out(MakeBox(box="c"), decide)


def test_whatever_fails_afterwards_the_answer_is_given(tmp_path: Path) -> None:
    def decide(decision: Decision) -> None:
        decision.record(Stream("box", "a"), toys.BoxMade(label="x"))
        decision.afterwards(lambda: 1 // 0)

    with toy_fleet(tmp_path) as fleet:
        assert fleet.carry_out(MakeBox(box="a"), decide).position == 1
