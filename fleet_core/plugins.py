"""Plugins: imported when asked for, checked, called one by one.

pluggy validates hooks and runs them through wrappers; choosing *one* plugin by name is done here, because
pluggy's own call goes to all of them. A plugin that fails to load leaves nothing behind.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fleet_core.catalog import Catalog, Entry, duplicate
from fleet_core.errors import FleetError, PluginBroken

if TYPE_CHECKING:
    import click
    import pluggy

HOOKS: Final[dict[str, tuple[str, ...]]] = {
    "fleet.stores": ("fleet_open_store",),
    "fleet.codecs": ("fleet_make_codec",),
    "fleet.providers": ("fleet_make_provider",),
    "fleet.compactions": ("fleet_make_compaction",),
    "fleet.surfaces": ("fleet_serve",),
    "fleet.domains": ("fleet_event_types", "fleet_upcasters", "fleet_projections"),
    "fleet.observers": (),
}
"""The groups whose entries hold hooks: a plugin implements at least one of these.

Where none is named any hook will do: an observer may wrap another plugin's hook and do nothing else.
"""


class Fault(NamedTuple):
    """What is wrong with an installed entry."""

    entry: Entry
    error: FleetError


class _Breach(Exception):
    """A contract that a plugin does not keep; the text is the whole reason."""


class Plugins:
    """The plugins of one fleet.

    A fault of the plugin asked for is raised. Where many add up to one answer, or are told something,
    a fault is reported once, to `warn` and in `faults`, and stops nobody. `observers` names the entries of
    `fleet.observers` that want to be told.
    """

    def __init__(
        self, catalog: Catalog, observers: Iterable[str] = (), warn: Callable[[str], None] = lambda text: None
    ) -> None:
        self.catalog = catalog
        self.faults: list[Fault] = []
        self._warn = warn
        self._observers = tuple(observers)
        self._loaded: dict[Entry, Any] = {}
        self._objects: dict[str, list[tuple[Entry, Any]]] = {}

    @cached_property
    def _manager(self) -> "pluggy.PluginManager":
        import pluggy

        from fleet_core import hooks

        manager = pluggy.PluginManager(hooks.PROJECT)
        manager.add_hookspecs(hooks)
        return manager

    def find(self, group: str, name: str) -> Entry:
        """The one entry of that name; see `Catalog.find`."""
        return self.catalog.find(group, name)

    def load(self, group: str, name: str) -> Any:
        """The plugin of that name, imported and checked the first time it is asked for.

        Raises:
            NotFound: nothing installed has that name, or it is switched off.
            PluginBroken: it can't be imported, breaks the contract of its hooks, or is offered twice.
        """
        return self._load(self.find(group, name))

    def _load(self, entry: Entry) -> Any:
        if entry not in self._loaded:
            plugin = self.load_object(entry)
            self._register(entry, plugin)
            self._loaded[entry] = plugin
        return self._loaded[entry]

    def load_object(self, entry: Entry) -> Any:
        """What an entry names, be it a module or something in one.

        Raises:
            PluginBroken: it can't be imported, or is not there.
        """
        try:
            found: Any = import_module(entry.module)
            for name in filter(None, entry.attribute.split(".")):
                found = getattr(found, name)
        except (Exception, SystemExit) as error:
            raise broken(entry, error) from error
        return found

    def load_callable(self, entry: Entry) -> Any:
        """What an entry of a group of callables names.

        Raises:
            PluginBroken: it can't be imported, is not there, or can't be called.
        """
        found = self.load_object(entry)
        if not callable(found):
            raise broken(entry, _Breach(f"{entry.value} can't be called"))
        return found

    def objects(self, group: str) -> list[tuple[Entry, Any]]:
        """The callables that a group's entries name, in the order of the names: how a plugin walks a group of
        its own making. They are loaded once; broken ones are reported and left out.
        """
        if group not in self._objects:
            self._objects[group] = list(self._usable(group))
        return self._objects[group]

    def _usable(self, group: str) -> Iterator[tuple[Entry, Any]]:
        for entry in self._each(group):
            try:
                yield entry, self.load_callable(entry)
            except FleetError as error:
                self.report(entry, error)

    def load_command(self, name: str) -> "click.Command":
        """A plugin's own command.

        Raises:
            NotFound, PluginBroken: as `load`.
        """
        import click

        entry = self.find("fleet.commands", name)
        command = self.load_object(entry)
        if not isinstance(command, click.Command):
            raise broken(entry, _Breach(f"{entry.value} is no click.Command"))
        return command

    def _register(self, entry: Entry, plugin: Any) -> None:
        """Make a plugin's hooks known. Several entries may name the same module, which is registered once."""
        known = self._manager.is_registered(plugin)
        try:
            if not known:
                self._manager.register(plugin, name=entry.value)
                self._manager.check_pending()
            self._check_role(entry, plugin)
        except Exception as error:
            # A failed registration may leave the name and some hooks behind.
            if not known and self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            raise broken(entry, error) from error

    def _check_role(self, entry: Entry, plugin: Any) -> None:
        implemented = {caller.name for caller in self._manager.get_hookcallers(plugin) or ()}
        wanted = HOOKS[entry.group]
        if not implemented.intersection(wanted or implemented):
            raise _Breach(f"it implements {'none of ' + ', '.join(wanted) if wanted else 'no hook'}")

    def call(self, group: str, plugin: str, hook: str, /, **arguments: Any) -> Any:
        """Call a hook of one plugin, and what wraps that hook.

        Raises:
            NotFound, PluginBroken: as `load`; also when the plugin answers nothing.
        """
        entry = self.find(group, plugin)
        chosen = self._load(entry)
        self._load_observers()
        try:
            answer = self._ask(chosen, hook, arguments)
        except ImportError as error:
            raise broken(entry, error) from error
        if answer is None:
            raise broken(entry, _Breach(f"its {hook} offers nothing under that name"))
        return answer

    def _ask(self, plugin: Any, hook: str, arguments: dict[str, Any]) -> Any:
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        rivals = [
            each.plugin
            for each in implementations
            if each.plugin is not plugin and not (each.wrapper or each.hookwrapper)
        ]
        return self._manager.subset_hook_caller(hook, rivals)(**arguments)

    def collect(self, group: str, hook: str, /, **arguments: Any) -> list[tuple[Entry, tuple[Any, ...]]]:
        """What every plugin of a group contributes under a hook. Broken ones are reported and left out."""
        collected: list[tuple[Entry, tuple[Any, ...]]] = []
        asked: set[int] = set()
        for entry in self._each(group):
            try:
                plugin = self._load(entry)
                answers = [] if id(plugin) in asked else self._ask(plugin, hook, arguments)
                asked.add(id(plugin))
                collected += [(entry, tuple(answer)) for answer in answers]
            except Exception as error:
                self.report(entry, error)
        return collected

    def _each(self, group: str) -> Iterator[Entry]:
        """Every usable entry of a group; names offered twice are reported."""
        for name in self.catalog.names(group):
            found = self.catalog.named(group, name)
            if len(found) == 1:
                yield found[0]
            else:
                self.report(found[0], duplicate(found))

    @property
    def has_observers(self) -> bool:
        """Whether anybody wants to be told what happens."""
        return bool(self._observers)

    def tell(self, hook: str, /, **arguments: Any) -> None:
        """Tell the observers, each by itself. One that fails is reported and stops nobody."""
        for entry, observer in self._load_observers():
            try:
                self._ask_alone(observer, hook, arguments)
            except Exception as error:
                self.blame(entry, error)

    def _load_observers(self) -> list[tuple[Entry, Any]]:
        loaded = []
        for name in self._observers:
            try:
                entry = self.find("fleet.observers", name)
                loaded.append((entry, self._load(entry)))
            except FleetError as error:
                self.report(Entry("fleet.observers", name, "", "", ""), error)
        return loaded

    def _ask_alone(self, plugin: Any, hook: str, arguments: dict[str, Any]) -> None:
        callers = self._manager.get_hookcallers(plugin) or ()
        if any(caller.name == hook for caller in callers):
            self._ask(plugin, hook, arguments)

    def report(self, entry: Entry, error: Exception) -> None:
        """Note what is wrong with an entry whose part is done without, and say so once."""
        fault = Fault(entry, error if isinstance(error, FleetError) else broken(entry, error))
        known = any(each.entry == fault.entry and str(each.error) == str(fault.error) for each in self.faults)
        if not known:
            self.faults.append(fault)
            self._warn(f"{fault.error.message}; {fault.error.remedy}")

    def blame(self, entry: Entry, error: Exception) -> None:
        """Note that a plugin failed in its part, whatever it raised, and say so once. For whoever asks the
        plugins of a group of their own making.
        """
        self.report(entry, broken(entry, error))

    def check(self) -> list[Fault]:
        """Load everything that is switched on, and say what is wrong; an empty list means nothing."""
        faults = []
        for entry in filter(lambda each: not self.catalog.is_off(each), self.catalog.entries):
            try:
                self._check(self.find(entry.group, entry.name))
            except FleetError as error:
                faults.append(Fault(entry, error))
            except Exception as error:
                faults.append(Fault(entry, broken(entry, error)))
        return faults

    def _check(self, entry: Entry) -> None:
        if entry.group in HOOKS:
            self._check_hooks(entry)
        elif entry.group == "fleet.commands":
            self.load_command(entry.name)
        else:
            self._check_callable(entry)

    def _check_hooks(self, entry: Entry) -> None:
        plugin = self._load(entry)
        if entry.group == "fleet.domains":  # whose hooks only tell
            for hook in HOOKS[entry.group]:
                for answer in self._ask(plugin, hook, {}):
                    tuple(answer)

    def _check_callable(self, entry: Entry) -> None:
        found = self.load_callable(entry)
        if entry.group == "fleet.operations":
            self._check_operation(entry, found)

    def _check_operation(self, entry: Entry, found: Any) -> None:
        from fleet_core.operations import Operation

        Operation.of(entry.name, found)
        if not all(entry.name.partition(".")):
            raise broken(entry, _Breach("its name is not of the form noun.verb"))


def broken(entry: Entry, error: BaseException) -> PluginBroken:
    """What to say of a plugin that failed: its name, distribution and version, the reason, and the remedy."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    extra = extra_providing(entry, missing) if missing else ""
    reason = f"it needs {missing!r}, which is not installed" if extra else _reason(error)
    return PluginBroken(
        f"{entry} {'can not be used' if extra else 'is broken'}: {reason}",
        remedy=_remedy(entry, extra),
        plugin=entry.name,
        group=entry.group,
        distribution=entry.distribution,
        version=entry.version,
        reason=reason,
    )


def _reason(error: BaseException) -> str:
    """An exception in one line; pluggy's texts have three."""
    text = " ".join(str(error).split())
    if isinstance(error, _Breach):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _remedy(entry: Entry, extra: str) -> str:
    if extra:
        return f"pip install '{entry.distribution}[{extra}]'"
    return f"pip install -U {entry.distribution}, or switch it off: --without {entry.spelling}"


def extra_providing(entry: Entry, module: str) -> str:
    """The extra of an entry's distribution that brings a missing module, or an empty text.

    It is the smallest one that requires a distribution of that name, or else one called as the entry.
    """
    from importlib.metadata import PackageNotFoundError, requires

    package = module.partition(".")[0]
    try:
        extras = _requirements_of_extras(requires(entry.distribution) or [])
    except PackageNotFoundError:
        return ""
    if package == entry.package:
        return ""
    fitting = [extra for extra, names in extras.items() if _normal(package) in names]
    if fitting:
        return min(fitting, key=lambda extra: (len(extras[extra]), extra))
    return entry.name if entry.name in extras else ""


def _requirements_of_extras(requirements: Iterable[str]) -> dict[str, set[str]]:
    import re

    extras: dict[str, set[str]] = {}
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"""extra\s*==\s*['"]([^'"]+)""", requirement)
        if name and extra:
            extras.setdefault(extra[1], set()).add(_normal(name[0]))
    return extras


def _normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")
