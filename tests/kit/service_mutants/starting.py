"""Mutants that start too much, too little, or too soon."""

import sys
import time

from fleet_core.services import Report, ServiceStatus
from kit.service_mutants.base import ProviderMutant, detached, idle
from outsider.fleet_outsider.service import SERVER


class StartsSlowly(ProviderMutant):
    """Sound: its server takes its time, so that impatience shows."""

    def _start(self) -> None:
        self._folder.forget_pid()
        script = 'sleep 0.3; exec "$@"'
        detached(script, sys.executable, "-I", "-S", SERVER, self._folder.path)
        self._wait_for_process()

    def _wait_for_process(self) -> None:
        while self._folder.pid() is None:
            time.sleep(0.01)


class IsUpWhenItHasBegun(StartsSlowly):
    caught_by = "test_the_first_up_returns_when_the_service_answers"

    def _wait_for_process(self) -> None:
        pass

    def _wait_for_answer(self) -> None:
        pass


class WaitsOnlyTheFirstTime(IsUpWhenItHasBegun):
    """Once made, always ready."""

    caught_by = "test_a_later_up_returns_when_the_service_answers"
    _is_first = False

    def _make_folder(self, report: Report) -> None:
        super()._make_folder(report)
        self._is_first = True

    def _wait_for_answer(self) -> None:
        while self._is_first and not self._folder.answers():
            time.sleep(0.01)


class IsNeverReady(ProviderMutant):
    caught_by = "test_up_says_that_it_is_ready"

    def up(self, report: Report) -> ServiceStatus:
        super().up(report)
        return ServiceStatus(service=self._service, provider="notes", state="starting")


class StartsInSilence(ProviderMutant):
    caught_by = "test_up_tells_what_it_does_or_waits_for"

    def up(self, report: Report) -> ServiceStatus:
        return super().up(lambda text: None)


class StartsAnother(ProviderMutant):
    """Does not look whether it runs."""

    caught_by = "test_up_twice_leaves_it_running_as_it_was"

    def up(self, report: Report) -> ServiceStatus:
        status = super().up(report)
        idle(self._folder.path)
        return status


class StartsAnew(ProviderMutant):
    """Stops what runs first, to be sure."""

    caught_by = "test_up_twice_leaves_it_running_as_it_was"

    def up(self, report: Report) -> ServiceStatus:
        self.down()
        return super().up(report)


class RestartsInName(ProviderMutant):
    caught_by = "test_restart_stops_it_and_starts_it"

    def restart(self, report: Report) -> ServiceStatus:
        return self.up(report)


class RestartsWhatRunsOnly(ProviderMutant):
    caught_by = "test_restart_starts_a_stopped_service"

    def restart(self, report: Report) -> ServiceStatus:
        if self._folder.pid() is None:
            raise self.broken()
        return super().restart(report)


class RestartsFromNothing(ProviderMutant):
    caught_by = "test_restart_keeps_the_data_and_the_url"

    def restart(self, report: Report) -> ServiceStatus:
        self.destroy()
        return self.up(report)


class MovesWhenItRestarts(ProviderMutant):
    """`auto` is asked anew each time."""

    caught_by = "test_restart_keeps_the_data_and_the_url"

    def restart(self, report: Report) -> ServiceStatus:
        self.down()
        self._folder.choose_login(0)
        return self.up(report)


class MovesWhenItStarts(ProviderMutant):
    caught_by = "test_up_after_down_keeps_the_data_and_the_url"

    def _start(self) -> None:
        self._folder.choose_login(0)
        super()._start()
