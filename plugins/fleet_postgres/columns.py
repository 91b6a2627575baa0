"""How the fields of a state become the columns of its read table, and back."""

from collections.abc import Iterable
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import inspect

from fleet_core.api import AtMost, Invalid, Projection, Unavailable, words_of

TEXT: Final = 'text COLLATE "C"'
JSON: Final = "json"

WORDS: Final = "_words"
"""The column of the words that people search a state by, in a table whose projection names its `text`."""

_TYPES: Final[dict[type, str]] = {
    inspect.BoolType: "boolean",
    inspect.IntType: "bigint",
    inspect.FloatType: "double precision",
}

_TEXTS: Final = (
    inspect.StrType,
    inspect.DateTimeType,
    inspect.DateType,
    inspect.TimeType,
    inspect.TimeDeltaType,
    inspect.UUIDType,
    inspect.DecimalType,
    inspect.BytesType,
)
"""Types that msgspec writes as plain text."""

_ESCAPE: Final = "\ue000"
"""PostgreSQL's text can't hold NUL, which history that others wrote may hold: it becomes this and a letter.
"""

_encode = msgspec.json.Encoder(order="sorted").encode


class Column:
    """One field. Numbers and text are stored as they are, anything else as JSON; None as NULL."""

    def __init__(self, name: str, type: Any) -> None:
        self.name = name
        self.kind = _kind(type)
        self._type = type

    @property
    def definition(self) -> str:
        """The column as CREATE TABLE says it."""
        return f"{quoted(self.name)} {self.kind}"

    @property
    def selected(self) -> str:
        """The column as SELECT says it."""
        return f"{quoted(self.name)}::text" if self.kind == JSON else quoted(self.name)

    def store(self, value: Any) -> Any:
        """A field's value as the database keeps it."""
        if value is None:
            return None
        if self.kind == JSON:
            return _encode(value).decode()
        if self.kind == TEXT:
            return _escaped(value if type(value) is str else msgspec.to_builtins(value))
        if self.kind == "bigint" and not -(2**63) <= value < 2**63:
            raise Invalid(f"{self.name} is {value}, which does not fit into 64 bits", path=f"$.{self.name}")
        return value

    def fulfils(self, value: Any) -> tuple[str, tuple[Any, ...]]:
        """The condition, with its values, that a field equals a value, as Python does, or is at most that."""
        if isinstance(value, AtMost):
            return f"{quoted(self.name)} <= %s", (value.value,)
        if value is None:
            return f"{quoted(self.name)} IS NULL", ()
        if not self._may_equal(value):
            return "false", ()
        if self.kind == "boolean":
            value = bool(value)
        elif self.kind != JSON and isinstance(value, bool):
            value = int(value)
        return f"{self.selected} = %s", (self.store(value),)

    def _may_equal(self, value: Any) -> bool:
        """Whether any value of the column can; 1 and '1' differ, though the database would compare them."""
        if self.kind == TEXT:
            return isinstance(msgspec.to_builtins(value), str)
        if self.kind == "boolean":
            return isinstance(value, int | float) and value in (0, 1)
        if self.kind == "bigint" and isinstance(value, int):
            return -(2**63) <= value < 2**63
        return self.kind == JSON or isinstance(value, int | float)

    def load(self, stored: Any) -> Any:
        """A field's value from what the database kept."""
        if stored is None or self.kind == "boolean":
            return stored
        if self.kind == JSON:
            return msgspec.convert(msgspec.json.decode(stored), self._type)
        return msgspec.convert(_unescaped(stored) if self.kind == TEXT else stored, self._type)


def _kind(type: Any) -> str:
    """The database's type for values of a Python type."""
    info = inspect.type_info(type)
    kinds = [each for each in getattr(info, "types", (info,)) if not isinstance(each, inspect.NoneType)]
    if len(kinds) != 1:
        return JSON
    [kind] = kinds
    if isinstance(kind, inspect.EnumType):
        return TEXT if all(isinstance(each.value, str) for each in kind.cls) else JSON
    if isinstance(kind, inspect.LiteralType):
        return TEXT if all(isinstance(each, str) for each in kind.values) else JSON
    if isinstance(kind, _TEXTS):
        return TEXT
    return _TYPES.get(kind.__class__, JSON)


def _escaped(text: str) -> str:
    if "\0" not in text and _ESCAPE not in text:
        return text
    return text.replace(_ESCAPE, f"{_ESCAPE}e").replace("\0", f"{_ESCAPE}0")


def _unescaped(text: str) -> str:
    if _ESCAPE not in text:
        return text
    return text.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}e", _ESCAPE)


_OWN: Final = frozenset(
    {"chain", "event_log", "event_tags", "events", "meta", "positions", "projections", "schema_migrations"}
    | {"streams"}
)

_LONGEST: Final = 50
"""Bytes of a table's name, so that the names that PostgreSQL derives from it are not cut."""


def table_name(projection: str) -> str:
    """The name of a projection's table: its own, unless the store has that itself or it is too long."""
    name = f"projection_{projection}" if projection in _OWN else projection
    if len(name.encode()) <= _LONGEST:
        return name
    digest = blake2b(projection.encode(), digest_size=6).hexdigest()
    return f"{name.encode()[: _LONGEST - 13].decode(errors='ignore')}_{digest}"


def quoted(name: str) -> str:
    """A name as SQL writes it, in a statement that takes values."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def _text_of(projection: Projection[Any]) -> str:
    return f";text={','.join(projection.text)}" if projection.text else ""


def tsvector(words: Iterable[str]) -> str:
    """Words as PostgreSQL takes them as they are: no parser of its own has a say. In quotes nothing is
    syntax, and a word has none itself."""
    return " ".join(f"'{word}'" for word in sorted(words))


def tsquery(words: Iterable[str]) -> str:
    """What asks for a beginning of each of these words."""
    return " & ".join(f"'{word}':*" for word in words)


class Table:
    """The read table of one projection: its name, columns and statements."""

    def __init__(self, schema: str, projection: Projection[Any]) -> None:
        self.projection = projection
        self.name = table_name(projection.name)
        self.place = f"{schema}.{quoted(self.name)}"
        self._schema = schema
        self.definition = ",".join(projection.fields()) + _text_of(projection)
        """Names the columns without looking at their types, which costs more than opening a store may."""

    @cached_property
    def columns(self) -> list[Column]:
        """One for each field of the state."""
        return [Column(field.name, field.type) for field in msgspec.structs.fields(self.projection.state)]

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by the names of their fields."""
        return {column.name: column for column in self.columns}

    def create(self, place: str) -> str:
        """The statement that creates it, there or under another name."""
        columns = [f"_key {TEXT} PRIMARY KEY", *(column.definition for column in self.columns)]
        words = [f"{WORDS} tsvector NOT NULL"] if self.projection.text else []
        return f"CREATE TABLE {place} ({', '.join(columns + words)})"

    def indexes(self, place: str) -> list[str]:
        """The statements that create its indexes, there or under another name; PostgreSQL names them."""
        return [f"CREATE INDEX ON {place} USING gin ({WORDS})"] if self.projection.text else []

    @cached_property
    def draft(self) -> str:
        """Where it is rebuilt, before it takes the other's place."""
        return f"{self._schema}.{quoted(f'{self.name}_rebuilt')}"

    @cached_property
    def select(self) -> str:
        """The statement, up to WHERE, that gives keys and states."""
        columns = ", ".join(["_key", *(column.selected for column in self.columns)])
        return f"SELECT {columns} FROM {self.place}"

    @cached_property
    def upsert(self) -> str:
        """The statement that puts one state."""
        names = [quoted(column.name) for column in self.columns]
        names += [WORDS] if self.projection.text else []
        places = ", ".join(["%s"] * (len(names) + 1))
        sets = ", ".join(f"{name} = EXCLUDED.{name}" for name in names)
        action = f"DO UPDATE SET {sets}" if sets else "DO NOTHING"
        return f"INSERT INTO {self.place} VALUES ({places}) ON CONFLICT (_key) {action}"

    @property
    def delete(self) -> str:
        """The statement that removes states by their keys."""
        return f"DELETE FROM {self.place} WHERE _key = ANY (%s)"

    def row(self, key: str, state: Any) -> tuple[Any, ...]:
        """A state as a row."""
        row = (_escaped(key), *(column.store(getattr(state, column.name)) for column in self.columns))
        return (*row, tsvector(words_of(self.projection, state))) if self.projection.text else row

    def key(self, key: str) -> str:
        """A key as the table keeps it."""
        return _escaped(key)

    def keyed_state(self, row: tuple[Any, ...]) -> tuple[str, Any]:
        """The key and the state in a row.

        Raises:
            Unavailable: it was stored by another definition of the state.
        """
        columns = zip(self.columns, row[1:], strict=True)
        try:
            state = self.projection.state(**{column.name: column.load(stored) for column, stored in columns})
        except (ValueError, TypeError) as error:
            raise Unavailable(
                f"a state in the read table {self.projection.name} does not fit its definition: {error}",
                remedy=f"run 'fleet projections rebuild {self.projection.name}'",
                name=self.projection.name,
            ) from error
        return _unescaped(row[0]), state
