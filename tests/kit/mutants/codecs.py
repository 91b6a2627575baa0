"""Codecs with one fault each."""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from fleet_core.errors import Invalid
from fleet_core.testing.codecs import JsonCodec


class CodecMutant(JsonCodec):
    """The kit's codec, about to be broken."""

    caught_by: ClassVar[str]


class HasNoName(CodecMutant):
    caught_by = "test_it_has_a_name"
    name = ""


class SortsNoKeys(CodecMutant):
    caught_by = "test_equal_values_give_equal_bytes"

    def encode(self, value: Any, *, foreign: bool = False) -> bytes:
        return msgspec.json.encode(value)


class LosesFractions(CodecMutant):
    caught_by = "test_a_value_comes_back_as_it_was"

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        decode = super().decoder(type)
        return lambda data: _whole(decode(data))


class EncodesAnything(CodecMutant):
    """`default=str`."""

    caught_by = "test_what_cannot_be_carried_is_refused"

    def encode(self, value: Any, *, foreign: bool = False) -> bytes:
        try:
            return super().encode(value)
        except Invalid:
            return super().encode(str(value))


class RaisesWhatItMeets(CodecMutant):
    """The library's own errors reach the caller."""

    caught_by = "test_an_encoding_cut_short_is_refused"

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        return msgspec.json.Decoder(type).decode


class ReadsTheFirstValueOnly(CodecMutant):
    caught_by = "test_bytes_after_the_end_are_refused"

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        decode = super().decoder(type)
        return lambda data: decode(data.partition(b"}{")[0] + b"}" * (b"}{" in data))


class ForgetsThePlace(CodecMutant):
    caught_by = "test_a_fault_is_refused_with_its_place"

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        decode = super().decoder(type)

        def decode_somewhere(data: bytes) -> Any:
            try:
                return decode(data)
            except Invalid as error:
                raise Invalid(error.message) from error

        return decode_somewhere


class ValidatesNothing(CodecMutant):
    caught_by = "test_a_missing_field_is_refused"

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        return super().decoder(Any)


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        return float(int(value))
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    return value
