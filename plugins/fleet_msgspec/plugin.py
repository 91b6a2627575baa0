"""The codecs `json` and `msgpack`."""

from typing import Any

import msgspec

from fleet_core.api import Codec, checked, hookimpl


class NoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """These codecs have nothing to set: equal values must give equal bytes in every project."""


@hookimpl
def fleet_make_codec(name: str, settings: dict[str, Any]) -> Codec | None:
    """The codec of that name."""
    from fleet_msgspec.codecs import JsonCodec, MsgpackCodec

    checked(settings, NoSettings, f"[plugins.{name}]")
    match name:
        case "json":
            return JsonCodec()
        case "msgpack":
            return MsgpackCodec()
    return None
