"""Mutants that stop too much, or too little."""

import os
import shutil
import signal

from fleet_core.services import ServiceStatus
from kit.service_mutants.base import ProviderMutant, idle


class LeavesItRunning(ProviderMutant):
    """Forgets the service, and lets it go on."""

    caught_by = "test_down_leaves_nothing_running"

    def _stop(self) -> None:
        self._folder.wanted.unlink(missing_ok=True)


class LeavesItsHelper(ProviderMutant):
    """Starts two processes and stops one."""

    caught_by = "test_down_leaves_nothing_running"

    def _start(self) -> None:
        super()._start()
        idle(self._folder.path)


class AsksItToStop(ProviderMutant):
    """And leaves it at that, though the server has no time to listen."""

    caught_by = "test_down_says_that_it_is_stopped"

    def _stop(self) -> None:
        if (pid := self._folder.pid()) is not None:
            os.kill(pid, signal.SIGSTOP)
            os.kill(pid, signal.SIGTERM)


class StopsOnce(ProviderMutant):
    """Takes offence at what is stopped already."""

    caught_by = "test_down_twice_is_down"

    def _stop(self) -> None:
        if self._folder.pid() is None:
            raise self.broken()
        super()._stop()


class StopsOnlyWhatRuns(ProviderMutant):
    """Can't stop what has crashed."""

    caught_by = "test_a_crashed_service_is_taken_down"

    def _stop(self) -> None:
        if self._folder.wanted.exists() and self._folder.pid() is None:
            raise self.broken()
        super()._stop()


class StopsKindly(ProviderMutant):
    """Gives up on a server that does not listen."""

    caught_by = "test_a_hanging_service_is_taken_down"

    def _stop(self) -> None:
        self._folder.wanted.unlink(missing_ok=True)
        if (pid := self._folder.pid()) is not None:
            os.kill(pid, signal.SIGTERM)
            self._wait_for_end()


class MakesWhatItStops(ProviderMutant):
    caught_by = "test_down_of_an_absent_service_makes_nothing"

    def down(self) -> ServiceStatus:
        self._half_made.path.mkdir(exist_ok=True)
        return super().down()


class RemovesWhatItStops(ProviderMutant):
    """`podman run --rm -v /data`."""

    caught_by = "test_down_removes_nothing_that_lasts"

    def _stop(self) -> None:
        super()._stop()
        shutil.rmtree(self._folder.path)


class EmptiesWhatItStops(ProviderMutant):
    """Keeps the folder, and not what is in it."""

    caught_by = "test_up_after_down_keeps_the_data_and_the_url"

    def _stop(self) -> None:
        super()._stop()
        (self._folder.path / "notes.txt").write_text("")
