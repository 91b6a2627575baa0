"""What makes a codec: inherit `CodecConformance`, give the fixture `codec`. And a small one that passes."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_core.codecs import Codec, decode_fault
from fleet_core.errors import Invalid
from fleet_core.events import EventType


class JsonCodec:
    """JSON with sorted keys. The kits' own, so that testing a store needs no codec plugin."""

    name = "kit-json"

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder(order="sorted")

    def encode(self, value: Any, *, foreign: bool = False) -> bytes:
        """See `Codec.encode`."""
        try:
            return self._encoder.encode(value)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise decode_fault(error) from error

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        """See `Codec.decoder`."""
        decode = msgspec.json.Decoder(type).decode

        def decode_or_refuse(data: bytes) -> Any:
            try:
                return decode(data)
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                raise decode_fault(error) from error

        return decode_or_refuse


class Part(msgspec.Struct, frozen=True):
    """Something nested, so that a fault can lie deep."""

    name: str
    count: int = 0


class Parcel(EventType, frozen=True, kw_only=True):
    """An event type with a field of each kind."""

    type_name = "kit_parcel"

    label: str
    weight: float = 0.0
    sealed: bool = False
    note: str | None = None
    parts: list[Part] = []


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
"""Text without NUL, which PostgreSQL can't store: a codec may refuse it."""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)
"""Values that any codec must carry."""

PARCELS = st.builds(
    Parcel,
    label=TEXT,
    weight=st.floats(allow_nan=False, allow_infinity=False),
    sealed=st.booleans(),
    note=st.none() | TEXT,
    parts=st.lists(st.builds(Part, TEXT, st.integers(0, 2**31)), max_size=3),
)

# The fixture is the same codec for every example, and each subclass of the kit is an executor of its own.
EXAMPLES = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
        HealthCheck.too_slow,
    ],
)


class CodecConformance:
    """What a codec promises, a property a test."""

    @pytest.fixture
    def codec(self) -> Codec:
        """The codec on trial. The one thing to give."""
        raise NotImplementedError("define the fixture `codec` in your test class: it returns your codec")

    def test_it_has_a_name(self, codec: Codec) -> None:
        assert isinstance(codec.name, str)
        assert codec.name

    @EXAMPLES
    @given(value=JSON)
    def test_a_value_comes_back_as_it_was(self, codec: Codec, value: Any) -> None:
        assert codec.decoder(Any)(codec.encode(value)) == value

    @EXAMPLES
    @given(parcel=PARCELS)
    def test_a_struct_comes_back_as_it_was(self, codec: Codec, parcel: Parcel) -> None:
        assert codec.decoder(Parcel)(codec.encode(parcel)) == parcel

    @EXAMPLES
    @given(parcel=PARCELS)
    def test_a_struct_reads_as_a_plain_value_too(self, codec: Codec, parcel: Parcel) -> None:
        assert codec.decoder(Any)(codec.encode(parcel))["label"] == parcel.label

    @EXAMPLES
    @given(value=st.dictionaries(TEXT, JSON, min_size=2, max_size=6))
    def test_equal_values_give_equal_bytes(self, codec: Codec, value: dict[str, Any]) -> None:
        backwards = dict(reversed(value.items()))
        assert codec.encode({"inner": backwards}) == codec.encode({"inner": value})

    def test_a_struct_and_its_plain_value_give_equal_bytes(self, codec: Codec) -> None:
        assert codec.encode(Parcel(sealed=True, label="a")) == codec.encode({"label": "a", "sealed": True})

    def test_fields_that_the_reader_does_not_know_are_ignored(self, codec: Codec) -> None:
        assert codec.decoder(Parcel)(codec.encode({"label": "a", "tomorrow": [1]})) == Parcel(label="a")

    def test_a_missing_field_is_refused(self, codec: Codec) -> None:
        with pytest.raises(Invalid, match="label"):
            codec.decoder(Parcel)(codec.encode({"weight": 1.0}))

    def test_a_fault_is_refused_with_its_place(self, codec: Codec) -> None:
        data = codec.encode({"label": "a", "parts": [{"name": "b"}, {"name": "c", "count": "many"}]})
        with pytest.raises(Invalid) as refusal:
            codec.decoder(Parcel)(data)
        assert refusal.value.path == "$.parts[1].count"

    @EXAMPLES
    @given(noise=st.binary(max_size=200))
    def test_noise_is_decoded_or_refused_and_nothing_else(self, codec: Codec, noise: bytes) -> None:
        with suppress(Invalid):
            codec.decoder(Any)(noise)

    def test_an_encoding_cut_short_is_refused(self, codec: Codec) -> None:
        whole = codec.encode({"label": "some text", "parts": [1, 2, 3]})
        for length in range(len(whole)):
            with pytest.raises(Invalid):
                codec.decoder(Any)(whole[:length])

    def test_bytes_after_the_end_are_refused(self, codec: Codec) -> None:
        with pytest.raises(Invalid):
            codec.decoder(Any)(codec.encode({"label": "a"}) * 2)

    @pytest.mark.parametrize(
        "bomb",
        [b"[" * 200_000, b'{"a":' * 200_000, b"[" * 200_000 + b"]" * 200_000, b"\x91" * 200_000 + b"\xc0"],
        ids=["lists", "objects", "closed lists", "packed lists"],
    )
    def test_hostile_nesting_is_refused_and_crashes_nothing(self, codec: Codec, bomb: bytes) -> None:
        with pytest.raises(Invalid):
            codec.decoder(Any)(bomb)

    def test_nesting_without_end_is_refused_on_the_way_in(self, codec: Codec) -> None:
        value: list[Any] = []
        value.append(value)
        with pytest.raises(Invalid):
            codec.encode(value)

    @pytest.mark.parametrize(
        "value", [object(), {"a": object()}, "\ud800"], ids=["object", "inside", "surrogate"]
    )
    def test_what_cannot_be_carried_is_refused(self, codec: Codec, value: Any) -> None:
        with pytest.raises(Invalid):
            codec.encode(value)

    @pytest.mark.parametrize("number", [2**63, 2**64, 2**80, -(2**63) - 1, -(2**80)])
    def test_a_huge_number_comes_back_as_it_was_or_is_refused(self, codec: Codec, number: int) -> None:
        with suppress(Invalid):
            assert codec.decoder(Any)(codec.encode(number)) == number
