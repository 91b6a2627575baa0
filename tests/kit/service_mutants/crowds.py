"""Mutants that are not alone, or think that everything of a similar name is theirs."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fleet_core.services import Report, ServiceStatus
from kit.service_mutants.base import ProviderMutant


class MakesItTogether(ProviderMutant):
    """Several make the folder at once."""

    caught_by = "test_processes_that_start_it_first_start_one_service"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        yield

    def _make_folder(self, report: Report) -> None:
        time.sleep(0.2)
        super()._make_folder(report)


class _RefusesOthers(ProviderMutant):
    """A lock that nobody waits for."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        handle = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            time.sleep(0.2)
            yield
        except BlockingIOError:
            raise self.broken() from None
        finally:
            os.close(handle)


class IsStartedByOne(_RefusesOthers):
    caught_by = "test_processes_that_start_it_later_start_one_service"


class IsStoppedByOne(_RefusesOthers):
    caught_by = "test_processes_may_take_it_down_together"


class RemovesByPrefix(ProviderMutant):
    """`podman ps --filter name=...` matches a part of the name."""

    caught_by = "test_two_services_of_one_project_do_not_know_each_other"

    def destroy(self) -> list[str]:
        removed = super().destroy()
        for path in self._directory.glob(f"{self._folder.path.name}*"):
            shutil.rmtree(path)
        return removed


class SharesItsFolder(ProviderMutant):
    """One folder for all services of a project."""

    caught_by = "test_two_services_of_one_project_do_not_know_each_other"

    def __init__(self, service: str, settings: object, directory: object) -> None:
        super().__init__(service.partition("-")[0], settings, directory)  # type: ignore[arg-type]


class KillsByName(ProviderMutant):
    """`pkill -f`."""

    caught_by = "test_a_stranger_is_not_touched"

    def down(self) -> ServiceStatus:
        command = ["ps", "-A", "-ww", "-o", "pid=,args="]
        listing = subprocess.run(command, capture_output=True, text=True, check=True)
        for line in listing.stdout.splitlines():
            pid, _, args = line.strip().partition(" ")
            if str(self._folder.path) in args:
                os.kill(int(pid), signal.SIGKILL)
        return super().down()


class ClaimsByPrefix(ProviderMutant):
    """Would remove what it does not own, as it says."""

    caught_by = "test_a_stranger_is_not_touched"

    def belongings(self) -> list[str]:
        return [f"the folder {path}" for path in self._directory.glob(f"{self._folder.path.name}*")]
