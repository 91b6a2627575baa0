"""Who offers what, read from package metadata alone: nothing of a plugin is imported here.

`importlib.metadata` is not used because importing it costs 30 to 40 ms of CPU, more than everything else that
`fleet --help` does beside click; reading the files ourselves costs 1 to 2 ms for thirty distributions. A test
compares the two on everything installed.
"""

# pathlib would be the most expensive import of `fleet --help` after click.
# ruff: noqa: PTH113, PTH118, PTH119, PTH123, PTH208

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from fleet_core.errors import FleetError, NotFound, PluginBroken, Usage

if TYPE_CHECKING:
    import ast

ROLES: Final = {
    "fleet.stores": "store",
    "fleet.codecs": "codec",
    "fleet.providers": "provider",
    "fleet.compactions": "compaction",
    "fleet.surfaces": "surface",
    "fleet.domains": "domain",
    "fleet.operations": "operation",
    "fleet.commands": "command",
    "fleet.checks": "check",
    "fleet.observers": "observer",
    "fleet.waits": "wait",
    "fleet.notices": "notice",
}
"""The core's entry-point groups, and what one of their entries is called.

Plugins define more: every group whose name begins with `fleet.` is kept; see `Entry.role`.
"""


class Entry(NamedTuple):
    """One offer of a distribution: an entry point, as its metadata spells it."""

    group: str
    name: str
    value: str
    distribution: str
    version: str

    @property
    def role(self) -> str:
        """What kind of plugin it is, in a word or two."""
        return _role(self.group)

    @property
    def module(self) -> str:
        """The module that it names."""
        return self.value.partition("[")[0].partition(":")[0].strip()

    @property
    def attribute(self) -> str:
        """The dotted name within the module; empty when the module itself is meant."""
        return self.value.partition("[")[0].partition(":")[2].strip()

    @property
    def package(self) -> str:
        """The top-level package that it lives in."""
        return self.module.partition(".")[0]

    @property
    def parent(self) -> str:
        """The package that its module lies in."""
        return self.module.rpartition(".")[0] or self.module

    @property
    def source(self) -> str:
        """The distribution and its version, as people write them."""
        return f"{self.distribution} {self.version}"

    @property
    def spelling(self) -> str:
        """How `--without` names this entry and no other."""
        return f"{self.group.removeprefix('fleet.')}:{self.name}"

    def __str__(self) -> str:
        return f"{self.role} {self.name!r} of {self.source}"


class Catalog:
    """The entries of everything installed, in the order of their groups, plugins' own last, and names."""

    def __init__(self, entries: Iterable[Entry], without: Iterable[str] = ()) -> None:
        """`without` switches off: `NAME` in every group, or `GROUP:NAME` such as `stores:sqlite`.

        Raises:
            Usage: a name that nothing installed has.
        """
        order = {group: index for index, group in enumerate(ROLES)}
        self.entries = sorted(entries, key=lambda entry: (order.get(entry.group, len(order)), entry))
        self._without = frozenset(without)
        self._check_without()

    @classmethod
    def installed(
        cls,
        without: Iterable[str] = (),
        path: Iterable[str] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> "Catalog":
        """What is installed on `path` (`sys.path`); `without` and `FLEET_WITHOUT` switch off."""
        named = (name.strip() for name in environ.get("FLEET_WITHOUT", "").split(","))
        return cls(read_entries(sys.path if path is None else path), [*without, *filter(None, named)])

    def _check_without(self) -> None:
        known = {spelling for entry in self.entries for spelling in _spellings(entry)}
        for name in sorted(self._without - known):
            raise Usage(
                f"--without or FLEET_WITHOUT names {name!r}, which is not installed",
                remedy=suggestion(name, {entry.name for entry in self.entries}),
            )

    def is_off(self, entry: Entry) -> bool:
        """Whether `--without` or `FLEET_WITHOUT` switches it off."""
        return not self._without.isdisjoint(_spellings(entry))

    def named(self, group: str, name: str) -> list[Entry]:
        """All entries of that name that are switched on; more than one is a fault of who installed them."""
        return [entry for entry in self.entries if entry[:2] == (group, name) and not self.is_off(entry)]

    def names(self, group: str) -> list[str]:
        """The names in a group that are switched on, sorted."""
        return sorted(
            {entry.name for entry in self.entries if entry.group == group and not self.is_off(entry)}
        )

    def find(self, group: str, name: str) -> Entry:
        """The one entry of that name.

        Raises:
            NotFound: there is none, or it is switched off.
            PluginBroken: several distributions offer it.
        """
        found = self.named(group, name)
        if not found:
            raise self._missing(group, name)
        if len(found) > 1:
            raise duplicate(found)
        return found[0]

    def _missing(self, group: str, name: str) -> FleetError:
        role = _role(group)
        if any(entry[:2] == (group, name) for entry in self.entries):
            return NotFound(
                f"{role} {name!r} is switched off",
                remedy="leave it out of --without and of FLEET_WITHOUT",
                name=name,
            )
        return NotFound(
            f"no {role} is called {name!r}",
            remedy=suggestion(name, self.names(group)),
            name=name,
            group=group,
        )

    def owner(self, module: str) -> Entry | None:
        """An entry that lives in the same top-level package as a module; tells whose code it is."""
        package = module.partition(".")[0]
        return next((entry for entry in self.entries if entry.package == package), None)


def duplicate(entries: list[Entry]) -> PluginBroken:
    """What to say of a name that several distributions offer in one group; none of them is used."""
    sources = [entry.source for entry in entries]
    return PluginBroken(
        f"{entries[0].role} {entries[0].name!r} is offered by {' and by '.join(sources)}",
        remedy=f"keep one: pip uninstall {' (or '.join(entry.distribution for entry in entries)}"
        + ")" * (len(entries) - 1),
        plugin=entries[0].name,
        group=entries[0].group,
        distributions=sources,
    )


def suggestion(name: str, names: Iterable[str]) -> str:
    """The next step for a name that nothing answers to."""
    from difflib import get_close_matches

    known = sorted(set(names))
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"installed: {', '.join(known)}" if known else "install a distribution that offers one"


def _role(group: str) -> str:
    """What an entry of a group is called: `lease ending` in a plugin's own group `fleet.lease_endings`."""
    return ROLES.get(group) or group.removeprefix("fleet.").replace("_", " ").removesuffix("s")


def _spellings(entry: Entry) -> tuple[str, str, str]:
    return entry.name, entry.spelling, f"{entry.group}:{entry.name}"


# Reading metadata: the rules are those of importlib.metadata, for directories.


def read_entries(path: Iterable[str]) -> Iterator[Entry]:
    """Every entry in groups of fleet's of every distribution found in these directories, first come first
    served.
    """
    seen: set[str] = set()
    for folder in path:
        for name, directory in _distributions(folder or "."):
            if name not in seen:
                seen.add(name)
                yield from _entries_of(directory)


def installed_version(distribution: str, path: Iterable[str] | None = None) -> str:
    """The installed version of a distribution, or `unknown` when it runs from a bare source tree."""
    wanted = _normal(distribution)
    for folder in sys.path if path is None else path:
        for name, directory in _distributions(folder or "."):
            if name == wanted:
                return _name_and_version(directory)[1]
    return "unknown"


def _distributions(folder: str) -> Iterator[tuple[str, str]]:
    try:
        names = os.listdir(folder)
    except OSError:  # what is on sys.path need be neither a directory, nor readable, nor there
        return
    for name in names:
        if name.lower().endswith((".dist-info", ".egg-info")):
            yield _normal(name.rpartition(".")[0].partition("-")[0]), os.path.join(folder, name)


def _normal(name: str) -> str:
    return "_".join(part for part in name.lower().replace("-", "_").replace(".", "_").split("_") if part)


def _entries_of(directory: str) -> Iterator[Entry]:
    text = _read(directory, "entry_points.txt")
    if "[fleet." not in text:  # spares nearly every distribution the reading of its METADATA
        return
    distribution, version = _name_and_version(directory)
    group = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1]
        elif group.startswith("fleet.") and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield Entry(group, name.strip(), value.strip(), distribution, version)


def _name_and_version(directory: str) -> tuple[str, str]:
    headers: dict[str, str] = {}
    for line in (_read(directory, "METADATA") or _read(directory, "PKG-INFO")).splitlines():
        if not line:
            break
        key, _, value = line.partition(":")
        headers.setdefault(key.lower(), value.strip())
    stem = os.path.basename(directory).rpartition(".")[0]
    return headers.get("name") or stem.partition("-")[0], headers.get("version") or stem.partition("-")[2]


def _read(directory: str, name: str) -> str:
    try:
        with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


# Help without importing.


def help_of(entry: Entry) -> str:
    """The first line of the docstring of what an entry names; empty when the source can't tell.

    The source is parsed and never run, so that listing commands costs no import and survives broken plugins.
    """
    import ast

    try:
        source = source_of(entry.module)
        node: ast.AST | None = ast.parse(source) if source else None
        for name in filter(None, entry.attribute.split(".")):
            node = _member(node, name)
    except (SyntaxError, ValueError, RecursionError, OSError):
        return ""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return ""
    return (ast.get_docstring(node) or "").partition("\n")[0].strip()


def _member(node: object, name: str) -> "ast.AST | None":
    found = [child for child in getattr(node, "body", ()) if getattr(child, "name", None) == name]
    return found[-1] if found else None


def source_of(module: str) -> bytes:
    """A module's source. Only the top-level name is looked up; looking up more imports the package."""
    from importlib.machinery import PathFinder

    top, *rest = module.split(".")
    spec = PathFinder.find_spec(top)
    if spec is None:
        return b""
    if not rest:
        candidates = [spec.origin or ""]
    else:
        bases = [os.path.join(place, *rest) for place in spec.submodule_search_locations or ()]
        candidates = [file for base in bases for file in (base + ".py", os.path.join(base, "__init__.py"))]
    for candidate in candidates:
        if os.path.isfile(candidate):
            with open(candidate, "rb") as file:
                return file.read()
    return b""
