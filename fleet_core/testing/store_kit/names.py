"""Names: streams, ids, types and tags are the text they are, and what is not a name is refused."""

from typing import Any

import pytest

from fleet_core.errors import Invalid
from fleet_core.events import NewEvent
from fleet_core.stores import Batch, EventStore, Expected, Query, Stream
from fleet_core.testing.store_kit.base import KIT, in_stream, note, said

COMPOSED = "caf\u00e9"
DECOMPOSED = "cafe\u0301"
LOOKALIKES = {
    "case": ("Alpha", "alpha"),
    "other case": ("stra\u00dfe", "STRASSE"),
    "normal forms": (COMPOSED, DECOMPOSED),
    "compatibility forms": ("\ufb01le", "file"),
    "space before": (" before", "before"),
    "space after": ("after ", "after"),
    "leading zero": ("01", "1"),
    "number and text": ("2", "2.0"),
    "wildcards": ("p%", "px"),
    "underscore": ("u_c", "uxc"),
    "glob": ("g*", "gx"),
    "slash": ("s/b", "s"),
    "null": ("NULL", "None"),
    "dash": ("d-b", "db"),
    "turkish i": ("I", "\u0131"),
}
ODD = {
    "quotes": 'it\'s "quoted" `here`',
    "percent and underscore": "100%_sure",
    "backslash": "a\\b\\\\c",
    "slashes": "../a//b/",
    "semicolon": "x'; DROP TABLE events; --",
    "braces": "{0}${1}%s?:name",
    "spaces": "  two  ",
    "emoji": "\U0001f680\U0001f469‍\U0001f680",
    "right to left": "\u05e9\u05dc\u05d5\u05dd",
    "decomposed": DECOMPOSED,
    "line separator": "a\u2028b",
    "not a character": "a\uffffb",
    "longest": "n" * 255,
    "longest outside the BMP": "\U0001f680" * 255,
    "number": "0",
    "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
    "uuid in capitals": "01890A5D-AC96-774B-BCCE-B302099A8057",
    "uuid without dashes": "01890a5dac96774bbcceb302099a8057",
    "uuid in braces": "{01890a5d-ac96-774b-bcce-b302099a8057}",
    "sixteen letters": "sixteen letters!",
}
NO_NAMES = {
    "empty": "",
    "too long": "n" * 256,
    "newline": "a\nb",
    "nul": "a\x00b",
    "escape": "\x1b[31m",
    "delete": "a\x7f",
    "lone surrogate": "a\ud800",
}


def _use(store: EventStore, what: str, name: Any) -> Any:
    """Append one event with this name in one place; what that place then reads as."""
    stream = {"stream type": Stream(name, "one"), "stream id": Stream("kit", name)}.get(what, KIT)
    fields: dict[str, Any] = {
        "event id": {"id": name},
        "event type": {"type": name},
        "tag": {"tags": (name,)},
        "causation id": {"causation_id": name},
        "correlation id": {"correlation_id": name},
    }.get(what, {})
    store.append(Batch(stream, [NewEvent(**{"data": 1, "type": "noted", **fields})]))
    event = next(store.read(backwards=True))
    return {
        "stream type": event.stream_type,
        "stream id": event.stream_id,
        "event id": event.id,
        "event type": event.type,
        "tag": event.tags[0] if event.tags else None,
        "causation id": event.causation_id,
        "correlation id": event.correlation_id,
    }[what]


PLACES = ["stream type", "stream id", "event id", "event type", "tag", "causation id", "correlation id"]


def _query(place: str, name: str) -> Query:
    """What finds events that have this name in this place."""
    criteria: dict[str, dict[str, Any]] = {
        "stream type": {"stream_types": (name,)},
        "stream id": {"streams": (Stream("kit", name),)},
        "event id": {"ids": (name,)},
        "event type": {"types": (name,)},
        "tag": {"tags": (name,)},
        "causation id": {"causation_id": name},
        "correlation id": {"correlation_id": name},
    }
    return Query.of(**criteria[place])


class NamesKit:
    """1 to 255 characters, no control characters, no lone surrogates, compared character by character."""

    @pytest.mark.parametrize("place", PLACES)
    def test_an_odd_name_is_kept_and_found_as_it_is(self, store: EventStore, place: str) -> None:
        for kind, name in ODD.items():
            position = store.head()
            assert _use(store, place, name) == name, kind
            found = list(store.read(_query(place, name), after=position))
            assert len(found) == 1, kind

    def test_names_that_look_alike_are_two_streams(self, store: EventStore) -> None:
        for pair in LOOKALIKES.values():
            for stream in [*(Stream("kit", name) for name in pair), *(Stream(name, "one") for name in pair)]:
                assert store.append(Batch(stream, [note(str(stream))], Expected.NO_STREAM)).versions == [1]
                assert [event.plain for event in in_stream(store, stream)] == [str(stream)]

    @pytest.mark.parametrize("place", PLACES[2:])
    def test_names_that_look_alike_do_not_match_each_other(self, store: EventStore, place: str) -> None:
        for pair in LOOKALIKES.values():
            after = store.head()
            for name in pair:
                _use(store, place, name)
            for name, event in zip(pair, list(store.read(after=after)), strict=True):
                found = list(store.read(_query(place, name), after=after))
                assert [each.position for each in found] == [event.position], pair

    @pytest.mark.parametrize("place", PLACES)
    def test_what_is_no_name_is_refused(self, store: EventStore, place: str) -> None:
        for name in NO_NAMES.values():
            with pytest.raises(Invalid) as refusal:
                _use(store, place, name)
            assert refusal.value.path != "$", name
        assert store.head() == 0

    def test_text_that_is_no_text_is_refused(self, store: EventStore) -> None:
        for place in PLACES:
            with pytest.raises(Invalid):
                _use(store, place, 7)
        assert store.head() == 0

    def test_the_same_id_under_two_stream_types_is_two_streams(self, store: EventStore) -> None:
        store.append(Batch(Stream("mission", "7"), [note("m")], Expected.NO_STREAM))
        store.append(Batch(Stream("sortie", "7"), [note("s")], Expected.NO_STREAM))
        assert said(store, Query.of(streams=(Stream("sortie", "7"),))) == ["s"]

    def test_a_slash_does_not_join_type_and_id(self, store: EventStore) -> None:
        store.append(Batch(Stream("a/b", "c"), [note(1)], Expected.NO_STREAM))
        store.append(Batch(Stream("a", "b/c"), [note(2)], Expected.NO_STREAM))
        assert said(store, Query.of(streams=(Stream("a", "b/c"),))) == [2]

    def test_an_id_made_by_the_store_is_a_canonical_uuid(self, store: EventStore) -> None:
        (id,) = store.append(Batch(KIT, [note()])).ids
        assert [len(part) for part in id.split("-")] == [8, 4, 4, 4, 12]
        assert id == id.lower()
        assert said(store, Query.of(ids=(id,))) == ["something"]
