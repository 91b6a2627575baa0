"""Where the story "OAuth login" happens: a repository, a fleet on some store, and people at terminals."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from fleet_core.api import Fleet, Match, Query, Recorded, Stream
from fleet_missions.api import Sortie, SortieShow, sortie_show
from repositories import FLEET, environment, git, repository

DEADLINE: Final = 60.0
"""Seconds after which what has not happened never will."""

SETTINGS: Final = """
[plugins.specialists]
lost_after = 600

[plugins.leases]
lock_delay = 0.5
"""
"""Nobody is lost by chance, however slow the machine is; who is to be lost says so in its surroundings."""

HASTE: Final = {"FLEET_PLUGINS__SPECIALISTS__LOST_AFTER": "1.5"}
"""The surroundings of who gives a sign of life every 1.5 s, or is lost."""

HOOK: Final = """#!/bin/sh
echo asked >> $(git rev-parse --git-common-dir)/style-checks
! git diff --cached --name-only | grep -q 'orig$'
"""
"""A pre-commit hook that was there before fleet: it lets no *.orig pass."""


class Backend(NamedTuple):
    """A store for the story: its name and, on a server, its address and its schema there."""

    name: str
    dsn: str = ""
    schema: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """What says so in the environment."""
        place = {"FLEET_PLUGINS__POSTGRES__DSN": self.dsn, "FLEET_PLUGINS__POSTGRES__SCHEMA": self.schema}
        return {"FLEET_STORE__BACKEND": self.name} | (place if self.dsn else {})

    @property
    def config(self) -> str:
        """What says so in fleet.toml."""
        place = f'[plugins.postgres]\ndsn = "{self.dsn}"\nschema = "{self.schema}"\n'
        return f'[store]\nbackend = "{self.name}"\n' + (place if self.dsn else "")


class Answer(NamedTuple):
    """What a command of fleet led to: its status, and the document that it printed."""

    status: int
    document: dict[str, Any]

    @property
    def data(self) -> Any:
        """The answer itself."""
        return self.document["data"]

    @property
    def error(self) -> dict[str, Any]:
        """What was wrong."""
        found: dict[str, Any] = self.document["error"]
        return found

    @property
    def position(self) -> int:
        """Up to where the log told it."""
        found: int = self.document["position"]
        return found

    @property
    def replayed(self) -> bool:
        """Whether it is the answer to an earlier request."""
        return bool(self.document["replayed"])


class Shop:
    """The repository `shop/` with a worktree for everybody who commits, and its fleet.

    `tokens` are those by which people write: of their session, under their name, and of their claims, under
    the sortie's. `marks` are positions to come back to, and `asleep` is a terminal that was paused.
    """

    def __init__(self, folder: Path, backend: Backend, exits: ExitStack) -> None:
        self.root = repository(folder / "shop")
        self.backend = backend
        self.tokens: dict[str, int] = {}
        self.marks: dict[str, int] = {}
        self.hooks: dict[str, tuple[int, bytes]] = {}
        self.asleep: Terminal | None = None
        self._exits = exits
        self._fleet: Fleet | None = None
        hook = self.root / ".git" / "hooks" / "pre-commit"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        (self.root / "fleet.toml").write_text(backend.config + SETTINGS)

    @property
    def fleet(self) -> Fleet:
        """The fleet from Python: for many writes at once, and for looking at the log."""
        if self._fleet is None:
            self._fleet = self._exits.enter_context(Fleet.open(self.root))
        return self._fleet

    def close(self) -> None:
        """Let go of the store."""
        if self._fleet is not None:
            self._fleet.close()
            self._fleet = None

    def worktree(self, who: str) -> Path:
        """The worktree of somebody, beside the repository."""
        return self.root.parent / who

    def run(self, *arguments: str, by: str | None = None, at: Path | None = None) -> Answer:
        """Type a command of fleet, as whoever `by` says."""
        return self._answered(self.start(*arguments, by=by, at=at))

    def start(
        self, *arguments: str, by: str | None = None, at: Path | None = None
    ) -> "subprocess.Popen[str]":
        """Start a command of fleet; `finish` gives its answer."""
        process = subprocess.Popen(
            [*FLEET, *arguments, "--json"],
            cwd=at or self.root,
            env=self.surroundings(by),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._exits.callback(end, process)
        return process

    def unheard(self, *arguments: str, by: str) -> int:
        """Have somebody type a command whose answer nobody reads; gives its status."""
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            command = [*FLEET, *arguments]
            process = subprocess.Popen(command, cwd=self.root, env=self.surroundings(by), stdout=pipe)
        return process.wait(DEADLINE)

    def finish(self, *processes: "subprocess.Popen[str]") -> list[Answer]:
        """The answers of commands that were started."""
        return [self._answered(process) for process in processes]

    def _answered(self, process: "subprocess.Popen[str]") -> Answer:
        said, complaint = process.communicate(timeout=DEADLINE)
        status = process.returncode
        text = complaint if status not in (0, 10) else said
        assert text.startswith("{"), (process.args, status, said, complaint)
        return Answer(status, msgspec.json.decode(text))

    def do(self, *arguments: str, by: str | None = None, at: Path | None = None) -> Any:
        """The data of a command's answer; it must succeed."""
        answer = self.run(*arguments, by=by, at=at)
        assert answer.status == 0, answer.document
        return answer.data

    def refused(self, status: int, *arguments: str, by: str | None = None) -> dict[str, Any]:
        """The error of a command that must fail with a status."""
        answer = self.run(*arguments, by=by)
        assert answer.status == status, answer.document
        return answer.error

    def surroundings(self, by: str | None = None) -> dict[str, str]:
        """The environment variables of somebody's terminal."""
        return environment(**({} if by is None else {"FLEET_TOKEN": str(self.tokens[by])}))

    def terminal(self, who: str, more: Mapping[str, str]) -> "Terminal":
        """Somebody's terminal, in their worktree."""
        terminal = Terminal(self.worktree(who), self.surroundings(who) | dict(more))
        self._exits.callback(terminal.close)
        return terminal

    def program(self, name: str, *arguments: object) -> "subprocess.Popen[str]":
        """A program of this folder, started as a process of its own."""
        path = Path(__file__).with_name(name)
        process = subprocess.Popen(
            [*FLEET[:1], str(path), *map(str, arguments)],
            cwd=self.root,
            env=environment(PYTHONPATH=str(path.parents[1])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._exits.callback(end, process)
        return process

    def file(self, name: str, content: Any) -> str:
        """A JSON file beside the repository; gives its path."""
        path = self.root.parent / name
        path.write_bytes(msgspec.json.encode(content))
        return str(path)

    def commit(self, who: str, *names: str, options: Sequence[str] = (), by: str | None = None) -> Answer:
        """Change files in somebody's worktree and commit them; the document has git's words."""
        tree = self.worktree(who)
        for name in names:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            with (tree / name).open("a") as file:
                file.write(f"{who} was here\n")
        git(tree, "add", *names)
        token = {"FLEET_TOKEN": str(self.tokens[by or who])}
        done = git(tree, "commit", "-m", f"{who}'s work", *options, check=False, **token)
        return Answer(done.returncode, {"data": done.stdout, "error": {"message": done.stderr}})

    def events(self, *types: str, after: int = 0, stream: tuple[str, str] | None = None) -> list[Recorded]:
        """What the log has beyond a position: of some types, and of one stream."""
        streams = () if stream is None else (Stream(*stream),)
        return list(self.fleet.store.read(Query((Match(types=types, streams=streams),)), after=after))

    @property
    def asked_of_old_hook(self) -> int:
        """How often the hook was asked that was there before fleet."""
        return (self.root / ".git" / "style-checks").read_text().count("asked")

    @property
    def head(self) -> int:
        """Where the log ends."""
        return self.fleet.store.head()

    def sortie(self, name: str) -> Sortie:
        """A sortie as it is now."""
        return sortie_show(self.fleet, SortieShow(sortie=name))


class Terminal:
    """A shell that a process of somebody's runs in. It can be paused, as a machine that goes to sleep is."""

    def __init__(self, folder: Path, surroundings: Mapping[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["sh"],
            cwd=folder,
            env=dict(surroundings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command: str) -> None:
        """Type a command; a paused shell runs it when it goes on."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{command} </dev/null; printf '\\n:: %s\\n' $?\n")
        self._shell.stdin.flush()

    def read(self) -> tuple[int, str]:
        """The status of the next command, and all that it said."""
        assert self._shell.stdout is not None
        said: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(":: "):
                return int(line[3:]), "".join(said).strip()
            said.append(line)
        raise AssertionError(f"the shell is gone: {said}")

    def pause(self) -> None:
        """Stop it (SIGSTOP), whatever it is doing."""
        self._shell.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it go on (SIGCONT) as if nothing had happened."""
        self._shell.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it."""
        end(self._shell)


def end(process: "subprocess.Popen[str]") -> None:
    """See to it that a process is gone, and give its pipes back."""
    process.kill()
    process.communicate()


def until(happens: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + DEADLINE
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def open_shop(folder: Path, backend: Backend) -> Iterator[Shop]:
    """The shop before anything has happened; in the end its processes are gone."""
    with ExitStack() as exits:
        shop = Shop(folder, backend, exits)
        exits.callback(shop.close)
        yield shop
