"""Mutants that can't keep a password to themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from fleet_core.services import Report, ServiceStatus
from kit.service_mutants.base import ProviderMutant, idle


class ShowsTheWholeUrl(ProviderMutant):
    caught_by = "test_a_status_holds_no_password"

    def status(self) -> ServiceStatus:
        status = super().status()
        return msgspec.structs.replace(status, url=self.url()) if status.url else status


class ReportsThePassword(ProviderMutant):
    caught_by = "test_a_report_holds_no_password"

    def _wait_for_answer(self) -> None:
        super()._wait_for_answer()
        self._report(f"logged in as {self._folder.password}")

    def up(self, report: Report) -> ServiceStatus:
        self._report = report
        return super().up(report)


class ListsThePassword(ProviderMutant):
    caught_by = "test_belongings_hold_no_password"

    def belongings(self) -> list[str]:
        found = super().belongings()
        return [*found, f"the password {self._folder.password}"] if self._folder.path.exists() else found


class LogsThePassword(ProviderMutant):
    caught_by = "test_logs_hold_no_password"

    def logs(self, **limits: Any) -> Iterator[str]:
        yield from super().logs(**limits)
        yield f"refused: {self._folder.password}"


@dataclass
class _Login:
    password: str


class RepresentsThePassword(ProviderMutant):
    """A dataclass shows all that it has."""

    caught_by = "test_a_provider_s_representation_holds_no_password"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_Login(self._folder.password)})"


class PassesThePasswordOn(ProviderMutant):
    """In the arguments of a process, which everybody can list."""

    caught_by = "test_no_command_line_holds_the_password"

    def _start(self) -> None:
        super()._start()
        idle(self._folder.password, self._folder.path)


class ShowsItsFiles(ProviderMutant):
    caught_by = "test_a_file_with_the_password_is_its_owner_s_alone"

    def _make_folder(self, report: Report) -> None:
        super()._make_folder(report)
        for path, mode in ((self._folder.path, 0o755), (self._folder.path / "login.json", 0o644)):
            Path(path).chmod(mode)


class DeniesItsPassword(ProviderMutant):
    """Says that it has none, to be spared the tests."""

    caught_by = "test_it_lacks_a_password_as_it_says"
    lacks = {"password": "no time"}
