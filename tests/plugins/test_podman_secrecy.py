"""The password of a PostgreSQL in Podman: who may know it does, and nobody else sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from machines import podman
from podman_life import execute, shim, watched_command_lines
from podman_provocations import Trial, new_trial, quiet

pytestmark = pytest.mark.usefixtures("podman_machine")


PASSWORD = "never-to-be-seen-9d1e 100% / @ ü"
"""Whatever of it is written down, in whatever way it must be quoted there, holds its first word."""
WORD = PASSWORD.split()[0]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    """A service of which nothing exists yet, with a password from the environment."""
    monkeypatch.setenv("POSTGRES_PASSWORD", PASSWORD)
    trial = new_trial(tmp_path / ".fleet")
    yield trial
    trial.remove()


def test_nobody_sees_the_password_from_the_environment_with_which_one_logs_in(
    service: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with watched_command_lines() as lines:
        reports: list[str] = []
        status = service.provider().up(reports.append)
        failed = service.failure(image="localhost/fleet-nosuch:1")
        service.provider().restart(quiet)
    things = (
        ("container", service.container),
        ("volume", service.volume),
        ("secret", f"{service.container}-password"),
    )
    inspected = [podman(kind, "inspect", name).stdout for kind, name in things]
    server = service.inspected(".State.Pid")
    said = [str(status), *reports, str(failed.as_dict()), *service.provider().logs(), *inspected]
    said += [Path(f"/proc/{server}/environ").read_text(), *lines, caplog.text]
    said += [path.read_text() for path in service.directory.rglob("*") if path.is_file()]
    assert [line for line in lines if "--secret" in line], "nobody watched"
    assert "got chunk size" in caplog.text, "what sh does was not logged"
    assert [words for words in said if WORD in words] == []
    assert execute(service, "SELECT 1") == "1"


def test_podman_does_not_get_the_password_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim(tmp_path, 'env > "$0.seen"; exec "$PODMAN" "$@"', monkeypatch)
    monkeypatch.setenv("POSTGRES_PASSWORD", "not-for-podman-4ab2")
    new_trial(tmp_path / ".fleet").provider().status()
    seen = (tmp_path / "podman.seen").read_text()
    assert "PATH=" in seen
    assert "not-for-podman-4ab2" not in seen
