"""Operations as commands: required fields are arguments, the others options. Derived, never configured."""

from collections.abc import Iterable
from typing import Any

import click
import msgspec
from msgspec import NODEFAULT, inspect

from fleet_core.catalog import Entry
from fleet_core.cli.opening import open_fleet, plugins_of
from fleet_core.cli.render import json_option, show
from fleet_core.codecs import decode_fault
from fleet_core.errors import Invalid, PluginBroken
from fleet_core.operations import Done, Operation
from fleet_core.projections import Page


def as_command(entry: Entry) -> click.Command:
    """The command that an operation wears.

    Raises:
        PluginBroken: the operation can't be loaded, or a field of its request is of a type that no command
        line can give.
    """
    operation = Operation.of(entry.name, plugins_of(click.get_current_context()).load_object(entry))
    command = click.Command(
        name=entry.name.rpartition(".")[2],
        callback=_callback(operation),
        params=list(_parameters(operation)),
        help=operation.run.__doc__,
    )
    return json_option(command)


def _parameters(operation: Operation) -> Iterable[click.Parameter]:
    described = inspect.type_info(operation.request)
    assert isinstance(described, inspect.StructType)
    for field in described.fields:
        kind, description = _kind_of(operation, field)
        if field.required:
            yield _argument(field, kind, description)
        else:
            yield _option(field, kind, description)


def _argument(field: inspect.Field, kind: "_Kind", description: str) -> click.Argument:
    return click.Argument(
        [field.name], type=kind.type, nargs=-1 if kind.many else 1, required=True, help=description
    )


def _option(field: inspect.Field, kind: "_Kind", description: str) -> click.Option:
    name = f"--{field.name.replace('_', '-')}"
    if isinstance(kind.type, click.types.BoolParamType):
        return click.Option([f"{name}/--no-{name[2:]}", field.name], default=None, help=description)
    shown = None if field.default in (NODEFAULT, None, "", ()) else field.default
    return click.Option(
        [name, field.name],
        type=kind.type,
        multiple=kind.many,
        default=None,
        show_default=str(shown) if shown is not None else False,
        help=description,
    )


class _Kind(msgspec.Struct, frozen=True):
    """What a field takes on the command line: a click type, and whether more than one."""

    type: "click.ParamType[Any]"
    many: bool = False


_SIMPLE: dict[type[inspect.Type], "click.ParamType[Any]"] = {
    inspect.StrType: click.STRING,
    inspect.IntType: click.INT,
    inspect.FloatType: click.FLOAT,
    inspect.BoolType: click.BOOL,
    inspect.DateTimeType: click.STRING,
}


def _kind_of(operation: Operation, field: inspect.Field) -> tuple[_Kind, str]:
    described, description = _unwrapped(field.type)
    if isinstance(described, inspect.LiteralType):
        return _Kind(click.Choice([str(value) for value in described.values])), description
    if isinstance(described, inspect.ListType | inspect.VarTupleType):
        item, _ = _unwrapped(described.item_type)
        return _Kind(_SIMPLE.get(type(item), click.STRING), many=True), description
    simple = _SIMPLE.get(type(described))
    if simple is None:
        raise PluginBroken(
            f"operation {operation.name} has a field {field.name} that no command line can give",
            remedy="its author must use text, numbers, booleans, choices or lists of them",
        )
    return _Kind(simple), description


def _unwrapped(described: inspect.Type) -> tuple[inspect.Type, str]:
    """A field's type without optionality and descriptions, and the description."""
    description = ""
    while isinstance(described, inspect.Metadata | inspect.UnionType):
        if isinstance(described, inspect.Metadata):
            description = description or (described.extra_json_schema or {}).get("description", "")
            described = described.type
        else:
            described = next(each for each in described.types if not isinstance(each, inspect.NoneType))
    return described, description


def _callback(operation: Operation) -> Any:
    def callback(as_json: bool, **given: Any) -> None:
        request = _request(operation, given)
        with open_fleet(click.get_current_context()) as fleet:
            _show(operation.run(fleet, request), as_json)

    return callback


def _request(operation: Operation, given: dict[str, Any]) -> Any:
    said = {name: value for name, value in given.items() if value is not None and value != ()}
    try:
        return msgspec.convert(said, operation.request, strict=False)
    except msgspec.ValidationError as error:
        fault = decode_fault(error)
        raise Invalid(
            f"{fault.path.removeprefix('$.')}: {fault.message}",
            path=fault.path,
            remedy=f"see 'fleet {operation.name.replace('.', ' ')} --help'",
        ) from None


def _show(result: Any, as_json: bool) -> None:
    if isinstance(result, Done):
        show(result.state, as_json, position=result.position, replayed=result.replayed)
    elif isinstance(result, Page):
        show(result.items, as_json, next=result.next)
    else:
        show(result, as_json)
