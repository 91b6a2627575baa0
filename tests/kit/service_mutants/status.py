"""Mutants that say what is not so, or nothing at all."""

import time
from pathlib import Path
from typing import Any

from fleet_core.services import ServiceStatus, State
from kit.service_mutants.base import ProviderMutant


class _Says(ProviderMutant):
    def _say(self, state: State, **fields: Any) -> ServiceStatus:
        return ServiceStatus(service=self._service, provider="notes", state=state, **fields)


class IsStoppedWhenAbsent(_Says):
    caught_by = "test_an_absent_service_is_absent"

    def status(self) -> ServiceStatus:
        status = super().status()
        return self._say("stopped") if status.state == "absent" else status


class MakesWhatItAsksFor(ProviderMutant):
    caught_by = "test_asking_makes_nothing"

    def status(self) -> ServiceStatus:
        (self._directory / f"notes-{self._service}.checked").touch()
        return super().status()


class SaysNothingWhenReady(_Says):
    """Says the state and nothing of where it is."""

    caught_by = "test_a_status_says_whose_it_is"

    def status(self) -> ServiceStatus:
        return self._say(super().status().state)


class KnowsOnlyThatItRuns(_Says):
    """Never says more than it can see from outside."""

    caught_by = "test_a_service_that_answers_is_ready"

    def _status_of_server(self) -> ServiceStatus:
        return self._say("starting", url=f"notes://127.0.0.1:{self._folder.port}")


class IsReadyWhenStopped(_Says):
    """There is a folder, so there is a service."""

    caught_by = "test_a_service_that_was_taken_down_is_stopped"

    def status(self) -> ServiceStatus:
        return self._say("ready") if self._folder.path.exists() else super().status()


class BelievesItsNotes(_Says):
    """It was taken up, so it is up."""

    caught_by = "test_a_crashed_service_is_failing_or_runs_again"

    def status(self) -> ServiceStatus:
        return self._say("ready") if self._folder.wanted.exists() else super().status()


class IsStoppedWhenCrashed(_Says):
    caught_by = "test_a_crashed_service_is_failing_or_runs_again"

    def _failing(self, detail: str) -> ServiceStatus:
        return self._say("stopped")


class KnowsNoRemedy(_Says):
    caught_by = "test_a_crashed_service_is_failing_or_runs_again"

    def _failing(self, detail: str) -> ServiceStatus:
        return self._say("failing", detail=detail)


class BelievesTheProcess(_Says):
    """It runs, so it is ready."""

    caught_by = "test_a_hanging_service_is_failing"

    def _status_of_server(self) -> ServiceStatus:
        return self._say("ready", url=f"notes://127.0.0.1:{self._folder.port}")


class HangsWithIt(_Says):
    """Asks without a time-out."""

    caught_by = "test_a_hanging_service_is_failing"

    def _failing(self, detail: str) -> ServiceStatus:
        time.sleep(10)
        return super()._failing(detail)


class FailsWithIt(ProviderMutant):
    """What is wrong with the service is an error of status."""

    caught_by = "test_a_hanging_service_is_failing"

    def _failing(self, detail: str) -> ServiceStatus:
        raise self.broken()


class RemembersTheWorst(ProviderMutant):
    """Once it has failed it will always have failed."""

    caught_by = "test_a_service_that_hung_is_ready_when_it_goes_on"

    def status(self) -> ServiceStatus:
        return self._failing("as always") if self._scar.exists() else super().status()

    def _failing(self, detail: str) -> ServiceStatus:
        self._scar.touch()
        return super()._failing(detail)

    @property
    def _scar(self) -> Path:
        return self._folder.path / "scar"


class HasNamelessFaults(ProviderMutant):
    caught_by = "test_every_fault_has_a_name_and_says_what_to_do"
    faults = (ProviderMutant.faults[0]._replace(remedy=""),)


class DeniesThatItHangs(ProviderMutant):
    """Says that it lacks what it has, to be spared the tests."""

    caught_by = "test_it_lacks_hanging_as_it_says"
    lacks = {"hanging": "no time"}
