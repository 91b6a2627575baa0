"""Operations as commands: required fields are arguments, the others options. Derived, never configured.

What `Meta(extra={...})` may say of a field beside: `"env": "NAME"` makes it an option that reads that
environment variable too; `"argument": True` an argument that may be left out; `"cwd": True` the folder the
command is run in, unless something else is said. A request with fields that no command line can give, such as
structs, comes in a file; see `_file_option`.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, cast

import click
import msgspec
from click.core import ParameterSource
from msgspec import NODEFAULT, inspect

from fleet_core.catalog import Entry
from fleet_core.cli.documents import read_object, title
from fleet_core.cli.opening import open_fleet, plugins_of, start_of
from fleet_core.cli.render import json_option, show
from fleet_core.codecs import decode_fault
from fleet_core.errors import Invalid
from fleet_core.operations import Done, Operation
from fleet_core.projections import Page

_FILE: Final = "request_file"
"""The parameter that takes a file; no field is called so."""


def as_command(entry: Entry) -> click.Command:
    """The command that an operation wears.

    Raises:
        PluginBroken: the operation can't be loaded.
    """
    operation = Operation.of(entry.name, plugins_of(click.get_current_context()).load_object(entry))
    fields = _fields_of(operation.request)
    command = click.Command(
        name=entry.name.rpartition(".")[2],
        callback=partial(_run, operation, fields),
        params=list(_parameters(fields)),
        help=operation.run.__doc__,
    )
    return json_option(command)


# What a request's fields take on the command line.


class _Kind(msgspec.Struct, frozen=True):
    """What a field takes on the command line: a click type, whether more than one, and whether each has a
    name."""

    type: "click.ParamType[Any]"
    many: bool = False
    named: bool = False


class _Field(msgspec.Struct, frozen=True):
    """A field of a request. Without a kind no command line can give it: it comes in a file."""

    name: str
    type: Any
    required: bool
    default: Any
    description: str
    env: str | None
    is_folder: bool
    is_positional: bool
    kind: _Kind | None

    @property
    def is_argument(self) -> bool:
        wanted = self.is_positional or (self.required and self.env is None)
        return wanted and self.kind is not None and not self.kind.named


class _NamedValue(click.ParamType[tuple[str, str]]):
    """`NAME=VALUE`."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, str]:
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not of the form NAME=VALUE", parameter, context)
        return name, text


_SIMPLE: Final[dict[type[inspect.Type], "click.ParamType[Any]"]] = {
    inspect.StrType: click.STRING,
    inspect.IntType: click.INT,
    inspect.FloatType: click.FLOAT,
    inspect.BoolType: click.BOOL,
    inspect.DateTimeType: click.STRING,
}


def _fields_of(request: type[msgspec.Struct]) -> list[_Field]:
    described = cast(inspect.StructType, inspect.type_info(request))
    types = {field.encode_name: field.type for field in msgspec.structs.fields(request)}
    return [_field(each, types[each.encode_name]) for each in described.fields]


def _field(described: inspect.Field, annotation: Any) -> _Field:
    bare, description, extra = _unwrapped(described.type)
    return _Field(
        described.encode_name,
        annotation,
        described.required,
        described.default,
        description,
        extra.get("env"),
        extra.get("cwd", False),
        extra.get("argument", False),
        _kind(bare),
    )


def _kind(described: inspect.Type) -> _Kind | None:
    """How the command line gives a value of a type; None when it can't."""
    if isinstance(described, inspect.ListType | inspect.VarTupleType):
        item = _simple(_unwrapped(described.item_type)[0])
        return None if item is None else _Kind(item, many=True)
    if isinstance(described, inspect.DictType):
        texts = isinstance(_unwrapped(described.key_type)[0], inspect.StrType)
        value = _unwrapped(described.value_type)[0]
        numbers = inspect.StrType | inspect.IntType | inspect.FloatType
        return _Kind(_NamedValue(), many=True, named=True) if texts and isinstance(value, numbers) else None
    simple = _simple(described)
    return None if simple is None else _Kind(simple)


def _simple(described: inspect.Type) -> "click.ParamType[Any] | None":
    if isinstance(described, inspect.LiteralType):
        return click.Choice([str(value) for value in described.values])
    return _SIMPLE.get(type(described))


def _unwrapped(described: inspect.Type) -> tuple[inspect.Type, str, dict[str, Any]]:
    """A field's type without optionality and descriptions, the description, and what else is said of it."""
    description, extra = "", dict[str, Any]()
    while isinstance(described, inspect.Metadata | inspect.UnionType):
        if isinstance(described, inspect.Metadata):
            description = description or (described.extra_json_schema or {}).get("description", "")
            extra = (described.extra or {}) | extra
            described = described.type
        else:
            described = next(each for each in described.types if not isinstance(each, inspect.NoneType))
    return described, description, extra


# Parameters.


def _parameters(fields: list[_Field]) -> Iterator[click.Parameter]:
    structured = [field for field in fields if field.kind is None]
    for field in fields:
        if field.kind is not None:
            # What the file says, the command line need not.
            required = field.required and not structured
            make = _argument if field.is_argument else _option
            yield make(field, field.kind, required)
    if structured:
        yield _file_option(structured)


def _argument(field: _Field, kind: _Kind, required: bool) -> click.Argument:
    return click.Argument(
        [field.name],
        type=kind.type,
        nargs=-1 if kind.many else 1,
        required=required,
        default=None,
        help=field.description,
    )


def _option(field: _Field, kind: _Kind, required: bool) -> click.Option:
    name = _option_name(field)
    flag = isinstance(kind.type, click.types.BoolParamType) and not kind.many
    shown = None if flag or field.default in (NODEFAULT, None, "", ()) else field.default
    return click.Option(
        [f"{name}/--no-{name[2:]}" if flag else name, field.name],
        type=None if flag else kind.type,
        multiple=kind.many,
        required=required,
        default=None,
        show_default=str(shown) if shown is not None else False,
        envvar=field.env,
        show_envvar=field.env is not None,
        help=field.description,
    )


def _option_name(field: _Field) -> str:
    return f"--{field.name.replace('_', '-')}"


def _file_option(structured: list[_Field]) -> click.Option:
    """Takes a JSON object: the whole request, or what the command line can't give of it. What stands on the
    command line too takes the place of what the file says."""
    names = ", ".join(field.name for field in structured)
    return click.Option(
        ["--file", _FILE],
        metavar="FILE",
        required=any(field.required for field in structured),
        help=f"JSON with {names}, or with the whole request; - is standard input.",
    )


# From what was given to a request, and from its result to an answer.


def _run(operation: Operation, fields: list[_Field], *, as_json: bool, **given: Any) -> None:
    file = given.pop(_FILE, None)
    if file is None:
        _check_presence(fields, given)
    said = _said(operation, fields, given)
    document = _folders(fields) | ({} if file is None else read_object(file))
    request = _request(operation, document, said, file)
    with open_fleet(click.get_current_context()) as fleet:
        _show(operation.run(fleet, request), as_json)


def _check_presence(fields: list[_Field], given: Mapping[str, Any]) -> None:
    """Where a file could have said it, click did not ask for it."""
    context = click.get_current_context()
    required = {field.name for field in fields if field.required}
    for parameter in context.command.params:
        if parameter.name in required and given[parameter.name] in (None, ()):
            hint = parameter.get_error_hint(context).replace("[", "").replace("]", "")
            raise click.MissingParameter(ctx=context, param=parameter, param_hint=hint)


def _folders(fields: list[_Field]) -> dict[str, Any]:
    """Where the command is run, for the fields that want to know."""
    here = start_of(click.get_current_context()).absolute()
    return {field.name: str(here) for field in fields if field.is_folder}


def _said(operation: Operation, fields: list[_Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the command line or the environment gave."""
    said = {}
    for field in fields:
        value = given.get(field.name)
        if value not in (None, ()):
            said[field.name] = _converted(operation, field, value)
    return said


def _converted(operation: Operation, field: _Field, value: Any) -> Any:
    if field.kind is not None and field.kind.named:
        value = _mapping(field, value)
    try:
        return msgspec.convert(value, field.type, strict=False)
    except msgspec.ValidationError as error:
        fault = decode_fault(error)
        place = field.name + fault.path.removeprefix("$")
        raise Invalid(
            f"{_variable(field) or place}: {fault.message}",
            path=f"$.{place}",
            remedy=f"see '{_spelling(operation)} --help'",
        ) from None


def _mapping(field: _Field, pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice", param_hint=f"'{_option_name(field)}'")
        found[name] = value
    return found


def _variable(field: _Field) -> str | None:
    """The environment variable that a field's value came from, if it did."""
    source = click.get_current_context().get_parameter_source(field.name)
    return f"environment variable {field.env}" if source is ParameterSource.ENVIRONMENT else None


def _request(operation: Operation, document: dict[str, Any], said: dict[str, Any], file: str | None) -> Any:
    try:
        return msgspec.convert(document | said, operation.request, str_keys=True)
    except msgspec.ValidationError as error:
        fault = decode_fault(error)
        raise Invalid(
            f"{title(file)}: {fault.path}: {fault.message}" if file is not None else fault.message,
            path=fault.path,
            remedy=f"see '{_spelling(operation)} --help'",
        ) from None


def _spelling(operation: Operation) -> str:
    return f"fleet {operation.name.replace('.', ' ')}"


def _show(result: Any, as_json: bool) -> None:
    if isinstance(result, Done):
        show(result.state, as_json, position=result.position, replayed=result.replayed)
    elif isinstance(result, Page):
        show(result.items, as_json, next=result.next)
    else:
        show(result, as_json)
