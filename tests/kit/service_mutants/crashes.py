"""Mutants that take half for whole, or whole for half."""

import json
import shutil
import time
from pathlib import Path

from fleet_core.services import Report, ServiceStatus
from kit.service_mutants.base import ProviderMutant


class _MakesItInPlace(ProviderMutant):
    def _make_folder(self, report: Report) -> None:
        report("making a folder")
        self._folder.make(0)
        login = self._folder.path / "login.json"
        whole = login.read_bytes()
        self._spoil(login)
        report("making a login")
        login.write_bytes(whole)

    def _spoil(self, login: Path) -> None:
        raise NotImplementedError


class TakesHalfForWhole(_MakesItInPlace):
    """The server of a half-made folder starts, and lets nobody in by the url."""

    caught_by = "test_a_first_start_that_was_killed_at_any_report_is_repaired"

    def _spoil(self, login: Path) -> None:
        login.write_text(json.dumps({"port": self._folder.port, "password": ""}))

    def url(self) -> str:
        return f"notes://fleet:{self._folder.password or 'fleet'}@127.0.0.1:{self._folder.port}"


class NeverRepairs(_MakesItInPlace):
    """Every start trips over what the first one left."""

    caught_by = "test_a_first_start_that_was_killed_at_any_report_is_repaired"

    def _spoil(self, login: Path) -> None:
        login.write_text("{}")

    def _start(self) -> None:
        if (self._folder.path / "login.json").read_text() == "{}":
            raise self.broken()
        super()._start()


class LeavesALockFile(ProviderMutant):
    """Nobody takes away the lock of a dead process."""

    caught_by = "test_a_first_start_that_was_killed_at_any_report_is_repaired"

    def up(self, report: Report) -> ServiceStatus:
        lock = self._directory / f"{self._service}.lock"
        if lock.exists():
            raise self.broken()
        lock.touch()
        status = super().up(report)
        lock.unlink()
        return status


class NeedsALongStart(ProviderMutant):
    """Is taken aback by a server that has begun once and was never seen to answer."""

    caught_by = "test_a_first_start_that_was_killed_while_it_waited_is_repaired"

    def _wait_for_answer(self) -> None:
        begun = self._folder.path / "begun"
        if begun.exists():
            raise self.broken()
        begun.touch()
        time.sleep(1)
        super()._wait_for_answer()
        begun.unlink()


class KnowsOnlyItsOwn(ProviderMutant):
    """Can't wait for a server that another one started."""

    caught_by = "test_a_first_start_that_fleet_did_not_see_to_its_end_is_taken_on"

    def up(self, report: Report) -> ServiceStatus:
        finished = self._folder.path / "finished"
        if self._folder.path.exists() and self._folder.pid() and not finished.exists():
            raise self.broken()
        status = super().up(report)
        finished.touch()
        return status


class TakesWholeForHalf(ProviderMutant):
    """What has crashed is broken, and what is broken is made anew."""

    caught_by = "test_a_service_that_was_killed_comes_up_with_all_that_it_confirmed"

    def up(self, report: Report) -> ServiceStatus:
        if self.status().state == "failing":
            shutil.rmtree(self._folder.path, ignore_errors=True)
        return super().up(report)


class TakesALaterStartForTheFirst(ProviderMutant):
    """A start that was interrupted is one whose data can be thrown away."""

    caught_by = "test_a_later_start_that_was_killed_at_any_report_keeps_the_data"

    def up(self, report: Report) -> ServiceStatus:
        under_way = self._directory / f"{self._service}.starting"
        if under_way.exists():
            shutil.rmtree(self._folder.path, ignore_errors=True)
        under_way.touch()
        status = super().up(report)
        under_way.unlink()
        return status
