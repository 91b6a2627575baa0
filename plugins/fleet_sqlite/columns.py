"""How the fields of a state become the columns of its read table, and back.

peewee makes the tables and builds the queries that differ from call to call. What every append and every
decision runs is SQL fixed once: building a query takes longer than running such a one.
"""

from collections.abc import Callable, Hashable, Iterable, Set
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec import inspect

from fleet_core.api import AtMost, Invalid, Projection, Unavailable, words_of
from fleet_sqlite.lean import peewee

KEY: Final = "_key"
"""The column that says whose state a row is."""

WORDS: Final = "_words"
"""The column of the words that people search a state by, in a table whose projection names its `text`."""

_ROW: Final = "_row"
"""The column that tells the index of words which row is meant. SQLite's own number of a row, which there is
without any such column, may be another after VACUUM."""

_INDEX: Final = "words_of_"
"""What the name of a table's index of words begins with."""

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

    @property
    def decode(self) -> Callable[[Any], Any] | None:
        """What makes of SQLite's value one that msgspec takes; None if it takes it as it is."""
        if self._is_bool:
            return bool
        return None if self.affinity else msgspec.json.decode

    def load(self, stored: Any) -> Any:
        """A field's value from what SQLite kept."""
        if stored is None:
            return None
        return msgspec.convert(self.decode(stored) if self.decode else stored, self._type)


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
    taken = projection.lower() in _OWN or projection.lower().startswith(("sqlite_", _INDEX))
    return f"projection_{projection}" if taken else projection


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _text_of(projection: Projection[Any]) -> str:
    return f";text={','.join(projection.text)}" if projection.text else ""


def index_statements(table: str, index: str) -> list[str]:
    """The statements that create a table's index of words, and keep it so.

    The index holds no copy of the words, so that what goes out of it must be told as it came in: triggers
    know. Tables whose words stay the same leave it alone.
    """
    name, source = quoted(index), quoted(table)

    def trigger(suffix: str, moment: str, work: str, when: str = "") -> str:
        name = quoted(f"{index}_{suffix}")
        return f"CREATE TRIGGER {name} AFTER {moment} ON {source} {when} BEGIN {work} END"

    add = f"INSERT INTO {name} (rowid, {WORDS}) VALUES (new.{_ROW}, new.{WORDS});"
    remove = f"INSERT INTO {name} ({name}, rowid, {WORDS}) VALUES ('delete', old.{_ROW}, old.{WORDS});"
    # Words come in one case and without accents of two characters, a space between two: to this tokenizer,
    # whatever is beyond ASCII is a letter.
    options = f"content={source}, content_rowid='{_ROW}', tokenize='ascii', detail=none, columnsize=0"
    return [
        f"CREATE VIRTUAL TABLE {name} USING fts5({WORDS}, {options})",
        trigger("put", "INSERT", add),
        trigger("gone", "DELETE", remove),
        trigger("changed", f"UPDATE OF {WORDS}", f"{remove} {add}", f"WHEN old.{WORDS} <> new.{WORDS}"),
    ]


class Table:
    """The read table of one projection: its name, columns and statements."""

    def __init__(self, projection: Projection[Any]) -> None:
        self.projection = projection
        self.name = table_name(projection.name)
        self.definition = ",".join(projection.fields()) + _text_of(projection)
        """Names the columns without looking at their types, which costs more than opening a store may."""
        self.index = f"{_INDEX}{projection.name}"

    def reads(self, types: Set[str]) -> bool:
        """Whether its projection reads any of these event types."""
        return not (self.projection.types and types.isdisjoint(self.projection.types))

    @cached_property
    def columns(self) -> list[Column]:
        """One for each field of the state."""
        return [Column(field.name, field.type) for field in msgspec.structs.fields(self.projection.state)]

    @cached_property
    def _names(self) -> list[str]:
        """What msgspec calls the fields. A state is made of a row in one go, which takes a fifth of the time
        of converting field by field.
        """
        return [field.encode_name for field in msgspec.structs.fields(self.projection.state)]

    @cached_property
    def _coded(self) -> list[tuple[str, Callable[[Any], Any]]]:
        named = zip(self._names, self.columns, strict=True)
        return [(name, column.decode) for name, column in named if column.decode is not None]

    @cached_property
    def _convert(self) -> Callable[[dict[str, Any]], Any]:
        state = self.projection.state
        if state.__struct_config__.array_like:
            return lambda values: msgspec.convert(list(values.values()), state)
        return lambda values: msgspec.convert(values, state)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by the names of their fields."""
        return {column.name: column for column in self.columns}

    @cached_property
    def create(self) -> list[str]:
        """The statements that create it."""
        # Names of their own: what a state calls its fields may be what a model calls its methods.
        fields = {f"field_{index}": column.field for index, column in enumerate(self.columns)}
        meta = type("Meta", (), {"database": _DIALECT, "table_name": self.name})
        model: Any = type("State", (peewee.Model,), {"Meta": meta, **self._keys, **fields, **self._words})
        sql: str = model._schema._create_table(safe=False).query()[0]
        return [sql, *(index_statements(self.name, self.index) if self.projection.text else [])]

    @property
    def _keys(self) -> dict[str, peewee.Field]:
        if not self.projection.text:
            return {"key": peewee.TextField(column_name=KEY, primary_key=True)}
        key = peewee.TextField(column_name=KEY, constraints=[peewee.SQL("UNIQUE")])
        return {"row": peewee.AutoField(column_name=_ROW), "key": key}

    @property
    def _words(self) -> dict[str, peewee.Field]:
        return {"words": peewee.TextField(column_name=WORDS)} if self.projection.text else {}

    @property
    def drop(self) -> list[str]:
        """The statements that remove it, though another definition made it."""
        return [f"DROP TABLE {quoted(self.name)}", f"DROP TABLE IF EXISTS {quoted(self.index)}"]

    @cached_property
    def source(self) -> peewee.Table:
        """The table in a query."""
        return peewee.Table(self.name)

    @cached_property
    def states(self) -> peewee.Select:
        """The query for keys and states, to be narrowed down."""
        return self.source.select(self.at(KEY), *(self.at(column.name) for column in self.columns))

    @cached_property
    def queries(self) -> dict[Hashable, str]:
        """The SQL of queries that were built, by what they ask: their values differ from call to call."""
        return {}

    def at(self, name: str) -> peewee.Column:
        """A column in a query."""
        return peewee.Column(self.source, name)

    def fulfils(self, field: str, value: Any) -> peewee.Expression:
        """The condition that a field has a value, or is at most that."""
        if isinstance(value, AtMost):
            return peewee.Expression(self.at(field), peewee.OP.LTE, self.compared(field, value))
        # The plus takes the column's affinity away: 1 and '1' differ, as they do in Python.
        bare = peewee.NodeList((peewee.SQL("+"), self.at(field)))
        return peewee.Expression(bare, peewee.OP.IS, self.compared(field, value))

    def compared(self, field: str, value: Any) -> Any:
        """What SQLite compares a field with."""
        return value.value if isinstance(value, AtMost) else self.by_name[field].store(value)

    def holds(self, words: Iterable[str]) -> peewee.SQL:
        """The condition that each of these words begins one of a state's."""
        index = quoted(self.index)
        # In quotes nothing is syntax, and a word has none itself.
        asked = " AND ".join(f'"{word}" *' for word in words)
        return peewee.SQL(f"{_ROW} IN (SELECT rowid FROM {index} WHERE {index} MATCH ?)", (asked,))

    @cached_property
    def select(self) -> str:
        """The same as SQL, up to WHERE."""
        sql: str = self.states.sql()[0]
        return sql

    @cached_property
    def upsert(self) -> str:
        """The statement that puts one state."""
        # A row that is replaced would be deleted without a word to triggers, and moved to another page.
        words = [WORDS] if self.projection.text else []
        columns = [quoted(name) for name in (KEY, *(column.name for column in self.columns), *words)]
        sets = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
        return (
            f"INSERT INTO {quoted(self.name)} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            f" ON CONFLICT (_key) DO {f'UPDATE SET {sets}' if sets else 'NOTHING'}"
        )

    @property
    def delete(self) -> str:
        """The statement that removes one state."""
        return f"DELETE FROM {quoted(self.name)} WHERE _key = ?"

    def row(self, key: str, state: Any) -> tuple[Any, ...]:
        """A state as a row."""
        row = (key, *(column.store(getattr(state, column.name)) for column in self.columns))
        return (*row, " ".join(sorted(words_of(self.projection, state)))) if self.projection.text else row

    def state(self, row: tuple[Any, ...]) -> Any:
        """The state in a row.

        Raises:
            Unavailable: it was stored by another definition of the state.
        """
        try:
            values = dict(zip(self._names, row[1:], strict=False))
            for name, decode in self._coded:
                if values[name] is not None:
                    values[name] = decode(values[name])
            return self._convert(values)
        except (ValueError, TypeError) as error:
            raise Unavailable(
                f"a state in the read table {self.projection.name} does not fit its definition: {error}",
                remedy=f"run 'fleet projections rebuild {self.projection.name}'",
                name=self.projection.name,
            ) from error
