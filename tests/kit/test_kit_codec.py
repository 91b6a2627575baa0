"""The kit's own codec passes the kit for codecs."""

import pytest

from fleet_core.testing import CodecConformance, JsonCodec


class TestJsonCodec(CodecConformance):
    @pytest.fixture
    def codec(self) -> JsonCodec:
        return JsonCodec()
