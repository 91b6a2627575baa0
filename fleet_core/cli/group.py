"""The command line, put together from names: no command is imported before it is chosen.

Core commands stand in a table, plugins' commands and operations in package metadata, and their one-line
helps in docstrings that are read without being run. So `--help`, completion and "did you mean" cost no
plugin anything, and survive broken ones.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

import click

from fleet_core.catalog import Catalog, Entry, help_of, installed_version

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

CORE: Final = {
    "init": ("fleet_core.cli.init:init", "Make this folder a fleet project."),
    "status": ("fleet_core.cli.status:status", "Show what the project holds and who works on it."),
    "doctor": ("fleet_core.cli.doctor:doctor", "Check that everything is in order."),
    "log": ("fleet_core.cli.log:log", "List recorded events."),
    "why": ("fleet_core.cli.why:why", "Show what led to an event, and what followed."),
    "wait": ("fleet_core.cli.wait:wait", "Wait until there is something to do, or time is up."),
    "store": ("fleet_core.cli.store:store", "Look at the event store."),
    "services": ("fleet_core.cli.services:services", "Start, stop and look at services, such as a database."),
    "projections": ("fleet_core.cli.projections:projections", "List, rebuild and verify read tables."),
    "plugins": ("fleet_core.cli.plugins:plugins", "List and check what is installed."),
    "config": ("fleet_core.cli.config:config", "Show settings and where they come from."),
    "completion": ("fleet_core.cli.completion:completion", "Print the completion script of a shell."),
}
"""The core's own commands: where each is, and its one-line help (a test compares it with the command's)."""

VARIABLES: Final = (
    ("FLEET_DIR", "The project's data directory, instead of .fleet at its root."),
    ("FLEET_WITHOUT", "Plugins to switch off, separated by commas."),
    ("FLEET_TOKEN", "The token that commands show which act under a lease."),
    ("FLEET_SECTION__KEY", "Overrides a key of fleet.toml, such as FLEET_STORE__BACKEND."),
    ("FLEET_TRACEBACK", "When 1, errors come with a traceback."),
    ("NO_COLOR, FORCE_COLOR", "Never, or always, write in colour."),
)

_CATALOG: Final = "fleet_core.catalog"


def catalog_of(context: click.Context) -> Catalog:
    """What is installed, less what `--without` switches off; read once per command line.

    Raises:
        Usage: `--without` or `FLEET_WITHOUT` names nothing that is installed.
    """
    root = context.find_root()
    if _CATALOG not in root.meta:
        root.meta[_CATALOG] = Catalog.installed(without=root.params.get("without") or ())
    return cast(Catalog, root.meta[_CATALOG])


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps, and imports a command when it is chosen."""

    def sections(self, context: click.Context) -> dict[str, dict[str, str]]:
        """The commands with their one-line helps, under the headings of `--help`."""
        raise NotImplementedError

    def helps(self, context: click.Context) -> dict[str, str]:
        """All commands with their one-line helps."""
        return {name: text for section in self.sections(context).values() for name, text in section.items()}

    def list_commands(self, context: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted(self.helps(context))

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands in `--help`."""
        for heading, helps in self.sections(context).items():
            if helps:
                room = formatter.width - 6 - max(map(len, helps))
                with formatter.section(heading):
                    formatter.write_dl([(name, _shortened(text, room)) for name, text in helps.items()])

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names.

        Raises:
            UsageError: there is none; with the name that may have been meant.
        """
        name = args[0]
        command = self.get_command(context, name)
        if command is None and not context.resilient_parsing:
            context.fail(f"No such command {name!r}.{_meant(name, self.helps(context))}")
        return name if command else None, command, args[1:]

    def shell_complete(self, context: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete names of commands, and options."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=text)
            for name, text in sorted(self.helps(context).items())
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, context, incomplete)


class FleetGroup(LazyGroup):
    """The root: core commands, plugins' commands, and a noun for each kind of operation."""

    def sections(self, context: click.Context) -> dict[str, dict[str, str]]:
        """Core and plugin commands; nouns of operations apart."""
        catalog = catalog_of(context)
        commands = {name: text for name, (_, text) in CORE.items()}
        for name in catalog.names("fleet.commands"):
            commands.setdefault(name, _help_of(catalog.named("fleet.commands", name)))
        nouns = {noun: ", ".join(verbs) for noun, verbs in _nouns(catalog).items() if noun not in commands}
        return {"Commands": dict(sorted(commands.items())), "Operations": nouns}

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command of that name.

        Raises:
            NotFound, PluginBroken: a plugin's command that is switched off or can't be loaded.
        """
        catalog = catalog_of(context)
        verbs = _nouns(catalog).get(name)
        command = self._own_command(catalog, name)
        if verbs is None:
            return command
        return NounGroup(name, verbs, command)

    def _own_command(self, catalog: Catalog, name: str) -> click.Command | None:
        if name in CORE:
            return _imported(*CORE[name][0].split(":"))
        if any(entry.group == "fleet.commands" and entry.name == name for entry in catalog.entries):
            from fleet_core.plugins import Plugins

            return Plugins(catalog).load_command(name)
        return None

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what environment variables do."""
        with formatter.section("Environment"):
            formatter.write_dl(VARIABLES)


class NounGroup(LazyGroup):
    """What can be done with one kind of thing: operations, beside the commands of a group of that name."""

    def __init__(self, name: str, verbs: dict[str, str], command: click.Command | None) -> None:
        """`verbs` leads from verbs to operations; `command` is what else is called by that name."""
        super().__init__(
            name,
            help=command.help if command else f"Operations on a {name}.",
            callback=command.callback if command else None,
            params=command.params if command else None,
            invoke_without_command=_runs_alone(command),
        )
        self._verbs = verbs
        self._base = command if isinstance(command, click.Group) else click.Group()

    def sections(self, context: click.Context) -> dict[str, dict[str, str]]:
        """The commands of both."""
        catalog = catalog_of(context)
        named = {name: self._base.get_command(context, name) for name in self._base.list_commands(context)}
        helps = {name: command.get_short_help_str(200) for name, command in named.items() if command}
        for verb, operation in self._verbs.items():
            helps.setdefault(verb, _help_of(catalog.named("fleet.operations", operation)))
        return {"Commands": dict(sorted(helps.items()))}

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Make the command of an operation, or take that of the group.

        Raises:
            PluginBroken: the operation can't be loaded, or several distributions offer it.
        """
        base = self._base.get_command(context, name)
        if base is not None or name not in self._verbs:
            return base
        from fleet_core.cli.operations import as_command

        return as_command(catalog_of(context).find("fleet.operations", self._verbs[name]))


def _imported(module: str, attribute: str) -> click.Command:
    from importlib import import_module

    return cast(click.Command, getattr(import_module(module), attribute))


def _nouns(catalog: Catalog) -> dict[str, dict[str, str]]:
    """The nouns of the installed operations; for each, its verbs and the operations behind them."""
    nouns: dict[str, dict[str, str]] = {}
    for operation in catalog.names("fleet.operations"):
        noun, _, verb = operation.partition(".")
        if verb:
            nouns.setdefault(noun, {})[verb] = operation
    return nouns


def _help_of(entries: list[Entry]) -> str:
    """The one-line help of a name; where there is none, or several offer the name, whose it is."""
    if len(entries) > 1:
        return f"(offered by {' and by '.join(entry.distribution for entry in entries)})"
    return help_of(entries[0]) or f"(from {entries[0].source})"


def _runs_alone(command: click.Command | None) -> bool:
    return command.invoke_without_command if isinstance(command, click.Group) else command is not None


def _shortened(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    return text[: max(room - 3, 0)].rpartition(" ")[0].rstrip(" ,") + "..."


def _meant(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=3)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def _print_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"fleet {installed_version('fleettools')}")
        context.exit()


@click.group(cls=FleetGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--project",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    is_eager=True,
    help="Look for the project from this folder, not from the current one.",
)
@click.option("--without", metavar="NAME", multiple=True, is_eager=True, help="Switch a plugin off.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def fleet(**options: Any) -> None:
    """Coordinate a fleet of workers on one project, on an event log that loses nothing."""
