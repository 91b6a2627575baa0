"""A first start that was interrupted: what is left is made anew, unless somebody's data may be in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from podman_life import created, forget, keep, listens, until
from podman_provocations import Trial, new_trial

pytestmark = pytest.mark.usefixtures("podman_machine")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Trial]:
    """A service of which nothing exists yet."""
    trial = new_trial(tmp_path / ".fleet")
    yield trial
    trial.remove()


HALF_MADE = {
    "files without a version": "mkdir base global; touch postgresql.conf",
    "a cluster that nobody may log in to": "initdb --no-sync -U fleettools -D /trial",
    "a cluster whose server crashes and recovers for ever": (
        "initdb --no-sync -U fleettools -D /trial; rm global/pg_filenode.map"
    ),
    "a cluster without the database": (
        "echo secret > /tmp/password; initdb --no-sync -U fleettools --pwfile=/tmp/password -D /trial;"
        " echo host all all all scram-sha-256 >> pg_hba.conf"
    ),
}
AS_POSTGRES = "chown postgres /trial; setpriv --reuid=postgres --regid=postgres --clear-groups bash -ec '{}'"


@pytest.fixture
def begun(fresh: Trial, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A service whose first start has begun, and come no further than to its volume."""
    monkeypatch.setenv("POSTGRES_PASSWORD", "secret")

    def break_off(report: str) -> None:
        if report == "making the container":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fresh.provider().up(break_off)
    return fresh


@pytest.mark.parametrize("script", HALF_MADE.values(), ids=HALF_MADE)
def test_what_an_interrupted_first_start_left_is_made_anew(begun: Trial, script: str) -> None:
    begun.in_the_volume(AS_POSTGRES.format(script))
    reports: list[str] = []
    assert begun.provider().up(reports.append).state == "ready"
    assert "the first start was interrupted: starting anew" in reports


def test_what_is_not_known_to_be_an_interrupted_first_start_is_kept(begun: Trial) -> None:
    begun.in_the_volume(AS_POSTGRES.format("initdb --no-sync -U fleettools -D /trial"))
    made = created(begun)
    forget(begun)
    assert begun.failure().remedy
    assert created(begun) == made


def test_who_asks_for_the_url_before_up_is_done_has_the_volume_kept(fresh: Trial) -> None:
    def break_off(report: str) -> None:
        if report.startswith("waiting for"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fresh.provider().up(break_off)
    until(lambda: listens(fresh.container))
    keep(fresh)
    made = created(fresh)
    assert "no database" in fresh.failure(database="another").message
    assert created(fresh) == made
