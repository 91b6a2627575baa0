"""`fleet plugins`: what is installed, whether it is sound, and what can be set."""

from typing import Any

import click

from fleet_core.catalog import Catalog, Entry, help_of, source_of, suggestion
from fleet_core.cli.group import CORE, catalog_of
from fleet_core.cli.render import json_option, show, show_record, show_table, visible
from fleet_core.errors import Exit, FleetError, NotFound

COLUMNS = ("name", "role", "distribution", "version", "state")


@click.group(invoke_without_command=True)
@click.option(
    "--check", is_flag=True, help="Load everything, name each fault, and exit with 9 if there is one."
)
@json_option
@click.pass_context
def plugins(context: click.Context, check: bool, as_json: bool) -> None:
    """List and check what is installed.

    Without --check nothing is imported: a plugin is known by its metadata. STATE is `installed`; `off` when
    --without or FLEET_WITHOUT says so; `duplicate` when two distributions offer the name; `hidden` when a
    command is called as one of fleet's own; and after --check `sound` or `broken`.

    \b
    Example:
      fleet plugins --check
    """
    if context.invoked_subcommand:
        return
    catalog = catalog_of(context)
    faults = _faults(catalog) if check else {}
    show(
        [_row(catalog, entry, check, faults.get(entry)) for entry in catalog.entries],
        as_json,
        columns=COLUMNS,
    )
    if faults and not as_json:
        _tell(list(faults.values()))
    if faults:
        context.exit(Exit.PLUGIN_BROKEN)


def _row(catalog: Catalog, entry: Entry, checked: bool, fault: FleetError | None) -> dict[str, Any]:
    row = _described(entry) | {"state": _state(catalog, entry, checked, fault)}
    return row | {"fault": fault.as_dict() if fault else None} if checked else row


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "role": entry.role,
        "group": entry.group,
        "value": entry.value,
        "distribution": entry.distribution,
        "version": entry.version,
    }


def _state(catalog: Catalog, entry: Entry, checked: bool, fault: FleetError | None) -> str:
    if catalog.is_off(entry):
        return "off"
    if len(catalog.named(entry.group, entry.name)) > 1:
        return "duplicate"
    if _is_hidden(entry):
        return "hidden"
    if not checked:
        return "installed"
    return "broken" if fault else "sound"


def _is_hidden(entry: Entry) -> bool:
    return entry.group == "fleet.commands" and entry.name in CORE


def _faults(catalog: Catalog) -> dict[Entry, FleetError]:
    from fleet_core.plugins import Plugins

    faults = dict(Plugins(catalog).check())
    for entry in catalog.entries:
        if _is_hidden(entry) and not catalog.is_off(entry):
            faults[entry] = FleetError(
                f"{entry} can't be used: fleet has a command of that name",
                remedy="its author must choose another name",
            )
    return faults


def _tell(faults: list[FleetError]) -> None:
    for fault in faults:
        click.echo(f"{click.style('Fault:', fg='red')} {visible(fault.message)}", err=True)
        click.echo(f"       {visible(fault.remedy)}", err=True)


@plugins.command("show")
@click.argument("name", help="The plugin's name, or ROLE:NAME such as stores:sqlite.")
@json_option
@click.pass_context
def show_plugin(context: click.Context, name: str, as_json: bool) -> None:
    """Show what a plugin offers, and what can be set in its table of fleet.toml.

    \b
    Example:
      fleet plugins show sqlite
    """
    found = _named(catalog_of(context), name)
    if as_json:
        show([_described(entry) | {"settings": _settings_schema(entry)} for entry in found], as_json)
        return
    for entry in found:
        show_record(_described(entry) | {"help": help_of(entry)})
        click.echo()
    for entry in {each.parent: each for each in found}.values():
        _show_settings(entry, _settings_schema(entry))


def _named(catalog: Catalog, name: str) -> list[Entry]:
    found = [entry for entry in catalog.entries if name in (entry.name, entry.spelling)]
    if not found:
        names = {entry.name for entry in catalog.entries}
        raise NotFound(f"no plugin is called {name!r}", remedy=suggestion(name, names), name=name)
    return found


def _settings_schema(entry: Entry) -> dict[str, Any] | None:
    """The JSON schema of a plugin's settings: the struct `Settings` of the module `settings` beside it."""
    module = f"{entry.parent}.settings"
    if not source_of(module):
        return None
    import msgspec

    from fleet_core.plugins import Plugins

    struct = Plugins(Catalog([])).load_object(entry._replace(value=f"{module}:Settings"))
    (_,), parts = msgspec.json.schema_components([struct])
    schema: dict[str, Any] = parts.pop(struct.__name__)
    return schema | {"$defs": parts} if parts else schema


def _show_settings(entry: Entry, schema: dict[str, Any] | None) -> None:
    if schema is None:
        click.echo(f"{entry.parent} has no settings.", err=True)
        return
    table = "services.NAME" if entry.group == "fleet.providers" else f"plugins.{entry.name}"
    click.echo(f"Settings, in the table [{table}]:")
    required = schema.get("required", [])
    show_table(
        [
            {
                "key": key,
                "type": _type_of(described),
                "default": "(required)" if key in required else described.get("default"),
                "description": described.get("description"),
            }
            for key, described in schema["properties"].items()
        ]
    )


def _type_of(described: dict[str, Any]) -> str:
    """A type of JSON schema in a few words."""
    if "enum" in described:
        return " | ".join(map(str, described["enum"]))
    if "anyOf" in described:
        return " | ".join(map(_type_of, described["anyOf"]))
    return str(described.get("type") or described.get("$ref", "any").rpartition("/")[2])
