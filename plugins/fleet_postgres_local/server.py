"""The server of a service: which processes are its, how it is started, and how it is made to end.

What `postmaster.pid` says is believed only when the process it names carries the service's tag: after a crash
or a reboot the file is still there, and the number may be another program's.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from fleet_postgres_local.accounts import Account
from fleet_postgres_local.faults import DATA_IN_USE, STUCK
from fleet_postgres_local.processes import Process, folder_of, process, processes
from fleet_postgres_local.programs import Programs, environment
from fleet_postgres_local.service import ADDRESS, Service

PAUSE: Final = 0.02
"""Seconds between two looks at a process that is to end."""

ENDINGS: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
"""What makes the server end: in order but at once; without saving what it can recover; by force."""

FORCED: Final = 1.5
"""Seconds that each of the two harder endings has."""

SHELL: Final = "/bin/sh"
_LAUNCH: Final = '"$0" "$@" >&2 & echo $!'


class Running(NamedTuple):
    """A server at work. `started` is in seconds since 1970; `phase` is its own word for what it does."""

    pid: int
    started: float
    port: int
    phase: str


class Server(NamedTuple):
    """The server of a service, running or not."""

    service: Service

    def running(self) -> Running | None:
        """The server, when it runs."""
        recorded = self._recorded()
        found = process(recorded.pid) if recorded else None
        return recorded if found and self._is_main(found) and self._names_data(found) else None

    def mains(self) -> list[int]:
        """The servers that were started for this service, also of data that are gone, by process id."""
        found = {each.pid: each.parent for each in processes() if self._is_main(each)}
        # A child that was born just now has its parent's command line still.
        return [pid for pid, parent in found.items() if parent not in found]

    def died(self) -> bool:
        """Whether it ended without being stopped, given that it does not run."""
        return self._pid_file.exists()

    def refuse_stranger(self) -> None:
        """See that nobody else works on the data.

        Raises:
            ServiceFailed: a server that is not this service's does.
        """
        recorded = self._recorded()
        found = process(recorded.pid) if recorded else None
        if found and not self._is_main(found) and self._may_work_here(found):
            raise self.service.error(DATA_IN_USE)

    def launch(self, programs: Programs, account: Account, port: int) -> int:
        """Start the server, which outlives us, and give its process id; it has yet to get ready.

        It must not run, and nothing of it.
        """
        self.forget()
        command = [programs.path("postgres"), "-D", str(self._data), *self._options(port)]
        with open(self.service.places.log, "ab", opener=_private) as log:
            # Started by a shell that ends at once: nobody's child, and untouched by a Ctrl-C at our terminal.
            launched = subprocess.run(
                [SHELL, "-c", _LAUNCH, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                cwd="/",
                umask=0o077,
                env=environment(),
                check=True,
                **account.popen_options(),
            )
        return int(launched.stdout)

    def _options(self, port: int) -> Iterator[str]:
        settings = {
            "cluster_name": self.service.places.tag,
            "listen_addresses": ADDRESS,
            "port": str(port),
            "unix_socket_directories": "",
            "logging_collector": "off",
            "log_destination": "stderr",
            "log_line_prefix": "%m [%p] ",
            "log_timezone": "UTC",
            "lc_messages": "C",
        }
        for name, value in settings.items():
            yield from ("-c", f"{name}={value}")

    def stop(self) -> None:
        """Make it end, with all its processes; nothing happens when none runs.

        Raises:
            ServiceFailed: it does not end.
        """
        for ending in ENDINGS:
            if not self._signal(ending):
                break
            self._await_end(self.service.settings.stop_timeout if ending == signal.SIGINT else FORCED)
        left = [each.pid for each in processes() if self._is_ours(each)]
        if left:
            raise self.service.error(STUCK, pid=str(left[0]))

    def forget(self) -> None:
        """Remove what the server that ended wrote of itself, lest the number be taken for another program's.

        Only where nobody works on the data, and they are the service's.
        """
        self._pid_file.unlink(missing_ok=True)

    def _signal(self, ending: signal.Signals) -> bool:
        ours = [each for each in processes() if self._is_ours(each)]
        main = [each for each in ours if self._is_main(each)]
        # Its children end with it. They are told only by force, or when there is nobody else to tell.
        told = ours if ending == signal.SIGKILL or not main else main
        for each in told:
            _send(each.pid, ending)
        for each in ours:
            _send(each.pid, signal.SIGCONT)  # lest one that was stopped sleeps through its end
        return bool(ours)

    def _await_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        ours = [each.pid for each in processes() if self._is_ours(each)]
        while ours and time.monotonic() < deadline:
            time.sleep(PAUSE)
            ours = [pid for pid in ours if (found := process(pid)) and self._is_ours(found)]

    @property
    def _data(self) -> Path:
        return self.service.places.data

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    def _recorded(self) -> Running | None:
        """What the server wrote of itself; None when it wrote nothing, or not all of it yet."""
        try:
            lines = self._pid_file.read_text(errors="replace").splitlines()
            pid, _, started, port, *_ = lines
            return Running(int(pid), float(started), int(port), lines[-1].strip() if len(lines) >= 8 else "")
        except (FileNotFoundError, ValueError):
            return None

    def _is_main(self, each: Process) -> bool:
        program, _, arguments = each.command.partition(" -D ")
        tagged = f" -c cluster_name={self.service.places.tag} " in arguments
        # The shell that launches it carries the same arguments for a moment.
        return tagged and program.endswith("/postgres") and not program.startswith(SHELL)

    def _names_data(self, each: Process) -> bool:
        return f" -D {self._data} " in f"{each.command} "

    def _is_ours(self, each: Process) -> bool:
        return self._is_main(each) or each.command.startswith(f"postgres: {self.service.places.tag}: ")

    def _may_work_here(self, each: Process) -> bool:
        """Whether a process may be a server at work on our data; only a server knows for sure."""
        if "post" not in each.command or each.uid != self._data.stat().st_uid:
            return False
        folder = folder_of(each.pid)
        if folder is not None:
            return folder == self._data
        return " -D " not in each.command or self._names_data(each)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
