"""How the fields of a state become the columns of its read table, and back.

peewee makes the tables and builds the queries that differ from call to call. What every append and every
decision runs is SQL fixed once: building a query takes longer than running such a one.
"""

from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec import inspect

from fleet_core.api import Invalid, Projection, Unavailable
from fleet_sqlite.lean import peewee

KEY: Final = "_key"
"""The column that says whose state a row is."""

_DIALECT: Final = peewee.SqliteDatabase(None)
"""Tells peewee which SQL to write; it connects to nothing."""

_FIELDS: Final[dict[str, type[peewee.Field]]] = {
    "INTEGER": peewee.IntegerField,
    "REAL": peewee.DoubleField,
    "TEXT": peewee.TextField,
}

_AFFINITIES: Final[dict[type, str]] = {
    inspect.BoolType: "INTEGER",
    inspect.IntType: "INTEGER",
    inspect.FloatType: "REAL",
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

_encode = msgspec.json.Encoder(order="sorted").encode


class Column:
    """One field. Numbers and text are stored as they are, anything else as JSON text; None as NULL."""

    def __init__(self, name: str, type: Any) -> None:
        self.name = name
        self._type = type
        self.affinity, self._is_bool = _storage(type)

    @property
    def field(self) -> peewee.Field:
        """The column as peewee defines it."""
        return _FIELDS[self.affinity or "TEXT"](column_name=self.name, null=True)

    def store(self, value: Any) -> Any:
        """A field's value as SQLite keeps it."""
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise Invalid(f"{self.name} is {value}, which does not fit into 64 bits", path=f"$.{self.name}")
        if value is None or (self.affinity and isinstance(value, str | int | float)):
            return value
        return msgspec.to_builtins(value) if self.affinity else _encode(value).decode()

    def load(self, stored: Any) -> Any:
        """A field's value from what SQLite kept."""
        if stored is None:
            return None
        if self._is_bool:
            return bool(stored)
        return msgspec.convert(stored if self.affinity else msgspec.json.decode(stored), self._type)


def _storage(type: Any) -> tuple[str, bool]:
    """The affinity of a column that holds values as they are (none: JSON), and whether they are booleans."""
    info = inspect.type_info(type)
    kinds = [each for each in getattr(info, "types", (info,)) if not isinstance(each, inspect.NoneType)]
    if len(kinds) != 1:
        return "", False
    [kind] = kinds
    if isinstance(kind, inspect.EnumType):
        return ("TEXT", False) if all(isinstance(each.value, str) for each in kind.cls) else ("", False)
    if isinstance(kind, inspect.LiteralType):
        return ("TEXT", False) if all(isinstance(each, str) for each in kind.values) else ("", False)
    if isinstance(kind, _TEXTS):
        return "TEXT", False
    return _AFFINITIES.get(kind.__class__, ""), isinstance(kind, inspect.BoolType)


_OWN: Final = frozenset(
    {"event_links", "event_log", "event_tags", "events", "meta", "projections"}
    | {"schema_migrations", "streams", "tags", "types"}
)


def table_name(projection: str) -> str:
    """The name of a projection's table: its own, unless the store has a table of that name itself."""
    taken = projection.lower() in _OWN or projection.lower().startswith("sqlite_")
    return f"projection_{projection}" if taken else projection


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


class Table:
    """The read table of one projection: its name, columns and statements."""

    def __init__(self, projection: Projection[Any]) -> None:
        self.projection = projection
        self.name = table_name(projection.name)
        self.fields = ",".join(projection.fields())
        """Names the columns without looking at their types, which costs more than opening a store may."""

    @cached_property
    def columns(self) -> list[Column]:
        """One for each field of the state."""
        return [Column(field.name, field.type) for field in msgspec.structs.fields(self.projection.state)]

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by the names of their fields."""
        return {column.name: column for column in self.columns}

    @cached_property
    def create(self) -> str:
        """The statement that creates it."""
        key = peewee.TextField(column_name=KEY, primary_key=True)
        # Names of their own: what a state calls its fields may be what a model calls its methods.
        fields = {f"field_{index}": column.field for index, column in enumerate(self.columns)}
        meta = type("Meta", (), {"database": _DIALECT, "table_name": self.name})
        model: Any = type("State", (peewee.Model,), {"Meta": meta, "key": key, **fields})
        sql: str = model._schema._create_table(safe=False).query()[0]
        return sql

    @cached_property
    def source(self) -> peewee.Table:
        """The table in a query."""
        return peewee.Table(self.name)

    @cached_property
    def states(self) -> peewee.Select:
        """The query for keys and states, to be narrowed down."""
        return self.source.select(self.at(KEY), *(self.at(column.name) for column in self.columns))

    def at(self, name: str) -> peewee.Column:
        """A column in a query."""
        return peewee.Column(self.source, name)

    def equals(self, field: str, value: Any) -> peewee.Expression:
        """The condition that a field has a value."""
        # The plus takes the column's affinity away: 1 and '1' differ, as they do in Python.
        bare = peewee.NodeList((peewee.SQL("+"), self.at(field)))
        return peewee.Expression(bare, peewee.OP.IS, self.by_name[field].store(value))

    @cached_property
    def select(self) -> str:
        """The same as SQL, up to WHERE."""
        sql: str = self.states.sql()[0]
        return sql

    @cached_property
    def upsert(self) -> str:
        """The statement that puts one state."""
        return (
            f"INSERT OR REPLACE INTO {quoted(self.name)} VALUES ({', '.join('?' * (len(self.columns) + 1))})"
        )

    @property
    def delete(self) -> str:
        """The statement that removes one state."""
        return f"DELETE FROM {quoted(self.name)} WHERE _key = ?"

    def row(self, key: str, state: Any) -> tuple[Any, ...]:
        """A state as a row."""
        return (key, *(column.store(getattr(state, column.name)) for column in self.columns))

    def state(self, row: tuple[Any, ...]) -> Any:
        """The state in a row.

        Raises:
            Unavailable: it was stored by another definition of the state.
        """
        columns = zip(self.columns, row[1:], strict=True)
        try:
            return self.projection.state(**{column.name: column.load(stored) for column, stored in columns})
        except (ValueError, TypeError) as error:
            raise Unavailable(
                f"a state in the read table {self.projection.name} does not fit its definition: {error}",
                remedy=f"run 'fleet projections rebuild {self.projection.name}'",
                name=self.projection.name,
            ) from error
