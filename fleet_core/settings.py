"""Settings: built-in defaults, then the user's file, then the project's fleet.toml, then FLEET_* variables.

Each source is checked alone first, so that an error names the file or variable at fault. Unknown keys are
refused with their path. A plugin's table `[plugins.NAME]` is handed to that plugin, which checks it by its
own struct.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from fleet_core.errors import Invalid


class ProjectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[project]`: what the project is called."""

    name: Annotated[str, Meta(description="The project's name, shown by `fleet status`.")] = ""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[store]`: which plugin keeps the events, and how they are encoded."""

    backend: Annotated[str, Meta(description="The store plugin's name.")] = "sqlite"
    codec: Annotated[str, Meta(description="The codec plugin's name; fixed once events are recorded.")] = (
        "json"
    )
    max_event_bytes: Annotated[
        int, Meta(description="Largest encoded data of one event, in bytes.", ge=1024)
    ] = 1_048_576


class ViewsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[views]`: who keeps the read tables of a store that has none of its own."""

    backend: Annotated[str, Meta(description="The store plugin's name.")] = "sqlite"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    project: ProjectSettings = ProjectSettings()
    store: StoreSettings = StoreSettings()
    views: ViewsSettings = ViewsSettings()
    services: Annotated[
        dict[str, dict[str, Any]],
        Meta(
            description="A table for each service; its key `provider` names the plugin that runs it "
            "(default `podman`) and checks the rest."
        ),
    ] = msgspec.field(default_factory=lambda: {"postgres": {}})
    observers: Annotated[
        list[str],
        Meta(description="Observer plugins to tell what happens; none is active by being installed."),
    ] = []
    plugins: Annotated[
        dict[str, dict[str, Any]], Meta(description="A table for each plugin, checked by that plugin.")
    ] = {}


class Loaded(NamedTuple):
    """The settings in force, and where each key that is not a default came from."""

    settings: Settings
    origins: dict[str, str]


S = TypeVar("S", bound=msgspec.Struct)

_PREFIX = "FLEET_"
_NESTING = "__"


def load(project_file: Path | None, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read all sources.

    Raises:
        Invalid: a file is not TOML, a key is unknown or a value does not fit; the message names the source.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, values in _sources(project_file, environ):
        checked(values, Settings, origin)
        _merge(merged, values)
        origins |= dict.fromkeys(_keys(values), origin)
    return Loaded(checked(merged, Settings, "settings"), origins)


def checked(values: Mapping[str, Any], struct: type[S], origin: str) -> S:
    """A table of settings as a struct; plugins use it for their own tables.

    Raises:
        Invalid: a key is unknown or a value does not fit.
    """
    try:
        return msgspec.convert(dict(values), struct, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        raise Invalid(
            f"{origin}: {message}{f' at {path}' if path else ''}",
            path=path.strip("`") or "$",
            remedy="'fleet config show' lists what is set, 'fleet plugins show NAME' what a plugin takes",
        ) from None


def user_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's own settings file, `$XDG_CONFIG_HOME/fleet/config.toml`; it need not exist."""
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    return Path(home) / "fleet" / "config.toml"


def _sources(project_file: Path | None, environ: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in (user_file(environ), project_file):
        if path is not None and path.is_file():
            yield str(path), _read_toml(path)
    for name, text in sorted(environ.items()):
        section, nested, key = name.removeprefix(_PREFIX).partition(_NESTING)
        if name.startswith(_PREFIX) and nested:
            yield name, _nest([section.lower(), *key.lower().split(_NESTING)], text)


def _read_toml(path: Path) -> dict[str, Any]:
    text = _read(path)
    if not _says_anything(text):
        return {}
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{path}: {error}", remedy="mend the file; it must be TOML") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: {error}", remedy="mend the file; it must be TOML") from None
    except OSError as error:
        raise Invalid(f"{path} can't be read: {error.strerror}", remedy="mend its permissions") from None


def _says_anything(text: str) -> bool:
    """Whether there is more than comments and headings, which is what `fleet init` writes.

    A parser costs every command 4 ms of CPU.
    """
    headings = {f"[{section}]" for section in Settings.__struct_fields__}
    lines = (line.strip() for line in text.splitlines())
    return any(line and not line.startswith("#") and line not in headings for line in lines)


def _nest(keys: list[str], value: str) -> dict[str, Any]:
    return {keys[0]: value if len(keys) == 1 else _nest(keys[1:], value)}


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key
