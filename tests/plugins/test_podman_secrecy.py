"""The password of a PostgreSQL in Podman: who may know it does, and nobody else sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from machines import podman
from podman_life import execute, shim, watched_command_lines
from podman_provocations import Trial, new_trial, quiet

pytestmark = pytest.mark.usefixtures("podman_machine")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Trial]:
    """A service of which nothing exists yet."""
    trial = new_trial(tmp_path / ".fleet")
    yield trial
    trial.remove()


def test_nobody_sees_the_password(
    fresh: Trial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "never-to-be-seen-9d1e")
    caplog.set_level("DEBUG")
    with watched_command_lines() as lines:
        reports: list[str] = []
        status = fresh.provider().up(reports.append)
        failed = fresh.failure(image="localhost/fleet-nosuch:1")
        fresh.provider().restart(quiet)
    things = (
        ("container", fresh.container),
        ("volume", fresh.volume),
        ("secret", f"{fresh.container}-password"),
    )
    inspected = [podman(kind, "inspect", name).stdout for kind, name in things]
    server = fresh.inspected(".State.Pid")
    said = [str(status), *reports, str(failed.as_dict()), *fresh.provider().logs(), *inspected]
    said += [Path(f"/proc/{server}/environ").read_text(), *lines, caplog.text]
    assert [line for line in lines if "--secret" in line], "nobody watched"
    assert "got chunk size" in caplog.text, "what sh does was not logged"
    assert [words for words in said if "never-to-be-seen-9d1e" in words] == []


def test_a_password_from_the_environment_is_used_and_not_kept(
    fresh: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "of the environment: 100% / @ ü")
    fresh.provider().up(quiet)
    assert execute(fresh, "SELECT 1") == "1"
    assert not (fresh.directory / "services" / "postgres" / "password").exists()


def test_podman_does_not_get_the_password_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim(tmp_path, 'env > "$0.seen"; exec "$PODMAN" "$@"', monkeypatch)
    monkeypatch.setenv("POSTGRES_PASSWORD", "not-for-podman-4ab2")
    new_trial(tmp_path / ".fleet").provider().status()
    seen = (tmp_path / "podman.seen").read_text()
    assert "PATH=" in seen
    assert "not-for-podman-4ab2" not in seen
