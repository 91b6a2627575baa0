"""The codecs `json` and `msgpack`: canonical bytes, and what they refuse."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fleet_msgspec.plugin
from event_strategies import OBJECTS, VALUES
from fleet_core.api import Codec, EventType, Invalid
from fleet_core.testing.codecs import CodecConformance


def make(name: str) -> Codec:
    codec = fleet_msgspec.plugin.fleet_make_codec(name, {})
    assert codec is not None
    return codec


JSON, MSGPACK = make("json"), make("msgpack")

each_codec = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.name)
relaxed = settings(deadline=None, max_examples=25)


class TestJsonConforms(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return JSON


class TestMsgpackConforms(CodecConformance):
    @pytest.fixture
    def codec(self) -> Codec:
        return MSGPACK


class Colour(Enum):
    RED = "red"


class Leaf(msgspec.Struct, frozen=True, rename="camel"):
    """A nested struct whose fields are called otherwise in bytes."""

    heavy_weight: float | None = None


class Place(NamedTuple):
    """A tuple with names."""

    north: float
    east: float | None


class Tree(msgspec.Struct, frozen=True):
    """A type that nests without end."""

    inside: "Tree | None" = None


class Closed(EventType, frozen=True, kw_only=True):
    """Nothing but text and a bounded number: no value of it needs a look."""

    type_name = "closed"

    text: str
    inner: tuple[str, ...] = ()
    count: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0


class Open(EventType, frozen=True, kw_only=True):
    """Fields whose types leave room for what must be refused."""

    type_name = "open"

    anything: Any = None
    number: int = 0
    ratio: float | None = None
    leaf: Leaf | None = None
    readings: dict[str, float | datetime] | None = None
    tree: Tree | None = None


class Native(EventType, frozen=True, kw_only=True):
    """Types that JSON does not have, and fields that ask for them."""

    type_name = "native"

    at: datetime
    uuid: UUID
    price: Decimal
    raw: bytes
    colour: Colour
    several: frozenset[int]
    place: Place
    pair: tuple[str, float] = ("x", 1.5)


class Words(EventType, frozen=True, kw_only=True):
    """A field without an order of its own."""

    type_name = "words"

    words: frozenset[str]


class Ballot(EventType, frozen=True, kw_only=True):
    """A field whose keys are not text."""

    type_name = "ballot"

    votes: dict[UUID, str]


NATIVE = Native(
    at=datetime(2026, 1, 2, 10, 21, 32, 5, tzinfo=UTC),
    uuid=UUID(int=1),
    price=Decimal("1.50"),
    raw=b"\x00\xff",
    colour=Colour.RED,
    several=frozenset({3, 1, 2}),
    place=Place(1.5, None),
)


def refusal(call: Callable[[Any], object], value: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        call(value)
    return caught.value


# Canonical bytes.


def test_json_is_sorted_and_without_spaces() -> None:
    assert JSON.encode({"b": [1, None], "a": "ü"}) == '{"a":"ü","b":[1,null]}'.encode()


@relaxed
@given(value=OBJECTS)
def test_both_codecs_hold_the_same_values(value: dict[str, Any]) -> None:
    assert JSON.decoder(Any)(JSON.encode(value)) == MSGPACK.decoder(Any)(MSGPACK.encode(value))


def test_both_codecs_read_a_struct_as_the_same_plain_value() -> None:
    assert JSON.decoder(Any)(JSON.encode(NATIVE)) == MSGPACK.decoder(Any)(MSGPACK.encode(NATIVE))


@each_codec
def test_types_beyond_json_live_in_fields_that_ask_for_them(codec: Codec) -> None:
    assert codec.decoder(Native)(codec.encode(NATIVE)) == NATIVE


@each_codec
def test_of_a_key_written_twice_the_last_is_read_and_one_is_written(codec: Codec) -> None:
    twice = {"json": b'{"a":1,"a":2}', "msgpack": b"\x82\xa1a\x01\xa1a\x02"}[codec.name]
    assert codec.encode(codec.decoder(Any)(twice)) == codec.encode({"a": 2})


@pytest.mark.parametrize("name", ["json", "msgpack"])
def test_a_setting_is_refused_because_there_is_none(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        fleet_msgspec.plugin.fleet_make_codec(name, {"indent": 2})
    assert f"[plugins.{name}]" in caught.value.message


def test_another_name_is_not_answered() -> None:
    assert fleet_msgspec.plugin.fleet_make_codec("yaml", {}) is None


@each_codec
def test_sets_are_sorted(codec: Codec) -> None:
    words = [f"word {number}" for number in range(50)]
    assert codec.decoder(Any)(codec.encode(Words(words=frozenset(words))))["words"] == sorted(words)


# What is refused on the way in.

FORBIDDEN = {
    "NUL": "a\0b",
    "first half of a pair": "\ud800",
    "second half of a pair": "é\udfff",
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "2**63": 2**63,
    "below -2**63": -(2**63) - 1,
    "5,000 digits": 10**5000,
    "bytes": b"ab",
    "set": {1},
    "naive time": datetime(2026, 1, 1),
    "aware time": datetime(2026, 1, 1, tzinfo=UTC),
    "decimal": Decimal(1),
    "enum": Colour.RED,
    "complex": 1j,
    "object": object(),
    "raw JSON": msgspec.Raw(b"}{"),
    "unset": msgspec.UNSET,
}
each_forbidden = pytest.mark.parametrize("value", FORBIDDEN.values(), ids=FORBIDDEN)

STEPS = st.lists(st.integers(0, 3) | st.from_regex("[a-z]{1,5}", fullmatch=True), max_size=5)


def buried(value: Any, steps: list[int | str]) -> tuple[Any, str]:
    """A value deep in lists and objects, and the path to it."""
    path = ""
    for step in reversed(steps):
        value = {"ok": 1, step: value} if isinstance(step, str) else [*[None] * step, value, "ok"]
        path = f".{step}{path}" if isinstance(step, str) else f"[{step}]{path}"
    return value, f"${path}"


@each_codec
@each_forbidden
@relaxed
@given(steps=STEPS)
def test_what_no_store_could_hold_is_refused_with_its_path(
    codec: Codec, value: Any, steps: list[int | str]
) -> None:
    whole, path = buried(value, steps)
    assert refusal(codec.encode, whole).path == path


@each_codec
@each_forbidden
def test_it_is_refused_inside_a_struct_too(codec: Codec, value: Any) -> None:
    assert refusal(codec.encode, Open(anything=[value])).path == "$.anything[0]"


@each_codec
@pytest.mark.parametrize("text", ["\0", "\ud800"], ids=["NUL", "surrogate"])
@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda text: Closed(text=text), "$.text"),
        (lambda text: Closed(text="\n", inner=("fine", text)), "$.inner[1]"),
        (lambda text: {text: 1}, None),
        (lambda text: Open(readings={text: 1.0}), None),
    ],
    ids=["field", "array", "key", "key in a struct"],
)
def test_bad_text_is_refused_wherever_it_stands(
    codec: Codec, text: str, wrap: Callable[[str], Any], path: str | None
) -> None:
    fault = refusal(codec.encode, wrap(text))
    assert fault.message.startswith("text contains")
    assert path in (None, fault.path)


@each_codec
def test_text_that_only_looks_like_an_escaped_nul_is_fine(codec: Codec) -> None:
    event = Closed(text="\\u0000", count=0)
    assert codec.decoder(Closed)(codec.encode(event)) == event


@each_codec
@pytest.mark.parametrize(
    ("event", "path"),
    [
        (Open(number=2**63), "$.number"),
        (Open(ratio=float("nan")), "$.ratio"),
        (Open(leaf=Leaf(float("inf"))), "$.leaf.heavyWeight"),
        (Open(readings={"now": datetime.now(UTC), "r": float("nan")}), "$.readings.r"),
        (Open(anything=[Leaf(float("nan"))]), "$.anything[0].heavyWeight"),
        (Open(anything={"an odd key": b""}), "$.anything['an odd key']"),
        (Open(anything={"k" * 500: b""}), f"$.anything['{'k' * 40}']"),
    ],
    ids=["integer", "float", "renamed", "times are fine", "struct in any", "odd key", "long key"],
)
def test_a_typed_fault_is_refused_with_its_path(codec: Codec, event: Open, path: str) -> None:
    assert refusal(codec.encode, event).path == path


@each_codec
@pytest.mark.parametrize("key", [1, None, 1.5, b"a", ("a",), True], ids=repr)
def test_a_key_that_is_no_text_is_refused(codec: Codec, key: Any) -> None:
    fault = refusal(codec.encode, {"deep": [{key: 1}]})
    assert (fault.path, type(key).__name__ in fault.message) == ("$.deep[0]", True)


@each_codec
def test_keys_of_another_type_are_refused_even_where_a_field_asks_for_them(codec: Codec) -> None:
    assert refusal(codec.encode, Ballot(votes={UUID(int=1): "yes"})).path == "$.votes"


@each_codec
def test_a_field_that_lies_about_its_type_is_refused_too(codec: Codec) -> None:
    lies: list[Any] = [object(), nested(100_000), {1: 2}, frozenset({1, "a"})]
    for lie in lies:
        assert refusal(codec.encode, Closed(text=lie)).message


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@each_codec
def test_a_hundred_levels_may_be_nested(codec: Codec) -> None:
    assert codec.decoder(Any)(codec.encode(nested(100))) == nested(100)


@each_codec
@pytest.mark.parametrize("depth", [101, 500, 100_000])
def test_deeper_nesting_is_refused(codec: Codec, depth: int) -> None:
    assert "deep" in refusal(codec.encode, nested(depth)).message


@each_codec
@pytest.mark.parametrize("depth", [101, 500, 100_000])
def test_structs_nested_deeper_are_refused(codec: Codec, depth: int) -> None:
    tree = Tree()
    for _ in range(depth):
        tree = Tree(tree)
    assert "deep" in refusal(codec.encode, Open(tree=tree)).message


# What is refused on the way out.


@each_codec
@relaxed
@given(value=VALUES, data=st.data())
def test_what_is_decoded_from_damaged_bytes_can_be_encoded(
    codec: Codec, value: Any, data: st.DataObject
) -> None:
    damaged = bytearray(codec.encode([value, "text", 1.5]))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = codec.decoder(Any)(bytes(damaged))
    except Invalid:
        return
    # Damage may make a NUL, which only foreign data may hold.
    assert codec.decoder(Any)(codec.encode(read, foreign=True)) == read


HOSTILE_JSON = {
    "nothing": b"",
    "invalid UTF-8": b'"\xff"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "escaped surrogate": b'["\\ud800"]',
    "halves that do not match": b'["\\ud800\\u0041"]',
    "NUL byte": b'"\x00"',
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "too large a float": b"1e999",
    "2**63": b"[9223372036854775808]",
    "10,000 digits": b"9" * 10_000,
    "byte order mark": b"\xef\xbb\xbf1",
    "101 levels": b"[" * 101 + b"]" * 101,
    "single quotes": b"{'a':1}",
    "trailing comma": b"[1,]",
    "comment": b"[1] // one",
}

HOSTILE_MSGPACK = {
    "nothing": b"",
    "invalid UTF-8": b"\xa1\xff",
    "surrogate in UTF-8": b"\xa3\xed\xa0\x80",
    "NaN": b"\xcb\x7f\xf8" + b"\x00" * 6,
    "infinity": b"\xcb\x7f\xf0" + b"\x00" * 6,
    "2**63": b"\x91\xcf\x80" + b"\x00" * 7,
    "binary": b"\x91\xc4\x01a",
    "time": b"\x91\xd6\xff\x00\x00\x00\x00",
    "extension": b"\x91\xd4\x05a",
    "integer key": b"\x81\x01\x02",
    "nil key": b"\x81\xc0\x02",
    "array key": b"\x81\x91\x01\x02",
    "map key": b"\x81\x81\x01\x01\x02",
    "unused opcode": b"\xc1",
    "four billion items": b"\xdd\xff\xff\xff\xff",
    "101 levels": b"\x91" * 100 + b"\x90",
}


@pytest.mark.parametrize("data", HOSTILE_JSON.values(), ids=HOSTILE_JSON)
def test_hostile_json_is_refused(data: bytes) -> None:
    assert refusal(JSON.decoder(Any), data).message


@pytest.mark.parametrize("data", HOSTILE_MSGPACK.values(), ids=HOSTILE_MSGPACK)
def test_hostile_msgpack_is_refused(data: bytes) -> None:
    assert refusal(MSGPACK.decoder(Any), data).message


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b'{"anything":[-9223372036854775809]}', "$.anything[0]"),
        (b'{"number":9223372036854775808}', "$.number"),
        (b'{"readings":{"a":"x"}}', "$.readings[...]"),
        (b'{"leaf":{"heavyWeight":"x"}}', "$.leaf.heavyWeight"),
    ],
)
def test_a_fault_in_json_is_refused_with_its_path(data: bytes, path: str) -> None:
    assert refusal(JSON.decoder(Open), data).path == path


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"\x81\xa8anything\x91\xc4\x01a", "$.anything[0]"),
        (b"\x81\xa8anything\x81\x01\x01", "$.anything"),
        (b"\x81\xa5ratio\xcb\x7f\xf8" + b"\x00" * 6, "$.ratio"),
        (b"\x81\xa8readings\x81\x01\x01", "$.readings"),
        (b"\x81\x01\x01", "$"),
    ],
)
def test_a_fault_in_msgpack_is_refused_with_its_path(data: bytes, path: str) -> None:
    assert refusal(MSGPACK.decoder(Open), data).path == path


@each_codec
def test_foreign_data_may_hold_nul_and_comes_back_as_it_was(codec: Codec) -> None:
    value = {"a\0b": ["\0", {"text": "nul\0"}]}
    assert codec.decoder(Any)(codec.encode(value, foreign=True)) == value


@each_codec
def test_foreign_data_obeys_every_other_rule(codec: Codec) -> None:
    with pytest.raises(Invalid):
        codec.encode({"a": 2**64}, foreign=True)


@each_codec
def test_long_numbers_that_fit_are_read(codec: Codec) -> None:
    value = [2**63 - 1, -(2**63), "9" * 30, 0.1234567890123456789]
    assert codec.decoder(Any)(codec.encode(value)) == value


@each_codec
def test_many_shallow_lists_are_not_taken_for_deep_ones(codec: Codec) -> None:
    value: list[Any] = [[{}] for _ in range(200)]
    assert codec.decoder(Any)(codec.encode(value)) == value
