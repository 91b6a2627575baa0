"""The ability `password`: it stands in the url, and nowhere else that anybody may see."""

import stat
import subprocess
from pathlib import Path

import pytest

from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.service_kit.base import FirstStart, Probe, password_of, quiet

SHORTEST = 8
"""Characters of the shortest password for which it is no accident when a text holds it."""


class SecretsKit:
    """What is said, kept and run, searched for the password."""

    @pytest.fixture
    def password(self, ready: Probe) -> str:
        """The password of the shared service, which is up."""
        password = password_of(ready)
        assert len(password) >= SHORTEST, "the url holds no password, or one that is too short to look for"
        return password

    @needs("password")
    def test_a_status_holds_no_password(self, ready: Probe, password: str, first_start: FirstStart) -> None:
        provider = ready.make()
        statuses = [first_start.status, provider.up(quiet), provider.status(), provider.down()]
        assert [status for status in statuses if password in repr(status)] == []

    @needs("password")
    def test_a_report_holds_no_password(self, password: str, first_start: FirstStart) -> None:
        assert [report for report in first_start.reports if password in report] == []

    @needs("password")
    def test_belongings_hold_no_password(self, ready: Probe, password: str) -> None:
        assert [words for words in ready.make().belongings() if password in words] == []

    @needs("password")
    def test_logs_hold_no_password(self, ready: Probe, password: str) -> None:
        assert [line for line in ready.make().logs() if password in line] == []

    @needs("password")
    def test_a_provider_s_representation_holds_no_password(self, ready: Probe, password: str) -> None:
        provider = ready.make()
        provider.url()
        assert password not in repr(provider)

    @needs("password")
    def test_no_command_line_holds_the_password(self, ready: Probe, password: str) -> None:
        listing = subprocess.run(
            ["ps", "-A", "-ww", "-o", "args"], capture_output=True, text=True, check=True
        )
        assert "ps -A" in listing.stdout
        assert [line for line in listing.stdout.splitlines() if password in line] == []

    @needs("password")
    def test_a_file_with_the_password_is_its_owner_s_alone(self, ready: Probe, password: str) -> None:
        holding = [path for path in _files(ready.directory) if password.encode() in path.read_bytes()]
        assert [path for path in holding if _open_to_others(path, ready.directory)] == []

    @proves_lack_of("password")
    def test_it_lacks_a_password_as_it_says(self, ready: Probe) -> None:
        assert password_of(ready) == "", "its url holds a password: take `password` out of `lacks`"


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def _open_to_others(path: Path, directory: Path) -> bool:
    """Whether others may read a file, and enter all folders that lead to it."""
    way = [path, *(parent for parent in path.parents if parent.is_relative_to(directory))][:-1]
    return all(each.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) for each in way)
