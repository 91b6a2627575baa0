"""How answers look: tables and records for people, one versioned JSON envelope for programs.

Answers go to stdout and talk to stderr. Text from events is never trusted: control characters are spelled
out, not sent to the terminal.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TextIO, TypeVar

import click

T = TypeVar("T")

SCHEMA: Final = 1
"""Version of the JSON envelope; it rises when a program that reads it must change."""

NOTHING: Final = "-"
"""What stands for a value that is not there."""

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
"""Decorates every command that answers something; the command receives `as_json`."""


def show(value: Any, as_json: bool = False, *, columns: Sequence[str] = (), **more: Any) -> None:
    """Print an answer: a struct or mapping as a record, a list of them as a table, anything as JSON.

    `columns` chooses and orders what a table or record shows to people; programs always get everything.
    `more` joins the JSON envelope; its `next`, if any, is the cursor to ask on with, and people are told.
    """
    if as_json:
        click.echo(envelope(value, **more))
        return
    if isinstance(value, list | tuple):
        show_table([_fields(each) for each in value], columns)
    elif isinstance(value, str):
        click.echo(visible(value))
    else:
        show_record(_fields(value), columns)
    if more.get("next"):
        click.echo(f"More: ask on after {more['next']!r}.", err=True)


def envelope(data: Any, **more: Any) -> str:
    """The JSON document of an answer: `{"schema": 1, "data": ..., "next": ...}`."""
    return _json({"schema": SCHEMA, "data": data, "next": None} | more)


def error_envelope(error: Mapping[str, object]) -> str:
    """The JSON document of an error: `{"schema": 1, "error": {"code": ..., "message": ..., ...}}`."""
    return _json({"schema": SCHEMA, "error": error})


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value, enc_hook=_foreign).decode()


def _foreign(value: Any) -> Any:
    return value.as_dict() if hasattr(value, "as_dict") else str(value)


def show_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Print rows under upper-case headings; nothing but a remark on stderr when there are none.

    A column in which nothing stands is left out, unless it was asked for. On a terminal lines end at its
    edge; anywhere else they are whole.
    """
    if not rows:
        click.echo("Nothing found.", err=True)
        return
    names = columns or [name for name in rows[0] if any(text_of(row.get(name)) != NOTHING for row in rows)]
    cells = [[name.replace("_", " ").upper() for name in names]]
    cells += [[text_of(row.get(name)) for name in names] for row in rows]
    for line in _lines(cells):
        click.echo(_clipped(line))


def _lines(cells: list[list[str]]) -> Iterator[str]:
    widths = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(padded).rstrip()


def show_record(record: Mapping[str, Any], columns: Sequence[str] = ()) -> None:
    """Print one thing, a line for each of its fields; those in which nothing stands only when asked for.

    Fields that hold several things are tables below, and text of several lines stands below as it is.
    """
    names = columns or [name for name in record if text_of(record[name]) != NOTHING]
    tables = [name for name in names if _is_table(record.get(name))]
    texts = [name for name in names if _is_long(record.get(name))]
    lines = [name for name in names if name not in tables and name not in texts]
    room = max(map(len, lines), default=0) + 1
    for name in lines:
        click.echo(_clipped(f"{_label(name):{room}}  {text_of(record.get(name))}"))
    for name in tables:
        click.echo(f"\n{_label(name)}")
        show_table([_fields(each) for each in record[name]])
    for name in texts:
        click.echo(f"\n{_label(name)}")
        for line in record[name].splitlines():
            click.echo(_clipped(visible(line)))


def _label(name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()}:"


def _is_table(value: Any) -> bool:
    """Whether it is a list of things with fields of their own."""
    return isinstance(value, list | tuple) and bool(value) and all(map(_has_fields, value))


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value.strip()


def _has_fields(value: Any) -> bool:
    return isinstance(value, Mapping) or hasattr(value, "__struct_fields__")


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if hasattr(value, "as_dict"):
        fields: Mapping[str, Any] = value.as_dict()
        return fields
    import msgspec

    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else {"value": value}


def text_of(value: Any) -> str:
    """A value as people read it, on one line."""
    if value is None or value == "" or value == [] or value == () or value == {}:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return short_time(value)
    if isinstance(value, list | tuple) and not any(
        isinstance(each, list | tuple | Mapping) for each in value
    ):
        return ", ".join(map(text_of, value))
    if isinstance(value, str | int | float):
        return visible(str(value))
    return visible(_json(value))


def short_time(moment: datetime) -> str:
    """A time to the second, in UTC; `--as-of` understands it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_ESCAPES: Final = (
    {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
    # Line separators, and what turns the direction of writing: they make a line look like another.
    | {code: f"\\u{code:04x}" for code in (*range(0x2028, 0x202F), *range(0x2066, 0x206A))}
    | {9: "\\t", 10: "\\n", 13: "\\r"}
)


def visible(text: str) -> str:
    """A text with its control characters spelled out."""
    return text.translate(_ESCAPES)


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _clipped(line: str) -> str:
    """A line as long as the terminal is wide; whole when nobody's terminal is at the other end."""
    if not is_terminal(sys.stdout):
        return line
    import shutil

    room = shutil.get_terminal_size().columns
    if width_of(line) <= room:
        return line
    taken = 0
    for end, character in enumerate(line):
        taken += width_of(character)
        if taken > room - 1:
            return line[:end] + "…"
    return line


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at it; streams that were closed before the process began are None."""
    return stream is not None and stream.isatty()


def progress(items: Iterable[T], label: str, length: int | None = None) -> Iterator[T]:
    """Pass items on, with a progress bar on stderr when that is a terminal."""
    with click.progressbar(items, length, label, file=sys.stderr, hidden=not is_terminal(sys.stderr)) as bar:
        yield from bar


@contextmanager
def log_progress(label: str, head: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, when that is a terminal, for work that goes through the log up to its head;
    gives what is to be told the position."""
    hidden = not is_terminal(sys.stderr)
    with click.progressbar(length=max(head, 1), label=label, file=sys.stderr, hidden=hidden) as bar:
        yield lambda position: bar.update(position - bar.pos)
        bar.update(max(head, 1) - bar.pos)
