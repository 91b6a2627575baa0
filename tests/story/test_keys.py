"""Keys: whatever is sent twice with one key is carried out once, and answered the same; by every operation
that writes, through the library and through the command line.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from fleet_checkpoints.api import CheckpointSave, checkpoint_save
from fleet_core import project as projects
from fleet_core.api import Conflict, Fleet
from fleet_core.catalog import Catalog
from fleet_core.cli import run
from fleet_core.operations import Operation
from fleet_ctk.api import CtkReserve, ctk_reserve
from fleet_missions.api import (
    MissionCreate,
    MissionStart,
    SortieBlock,
    SortieComplete,
    SortieCreate,
    SortieStart,
    mission_create,
    mission_start,
    sortie_block,
    sortie_complete,
    sortie_create,
    sortie_start,
)
from fleet_specialists.api import Register, register
from fleet_squawk.api import Receive, Send, receive, send

World = Mapping[str, int | str]
"""What is known of a project in which everything can be done: tokens and ids, by names."""


class Scenario(NamedTuple):
    """A request that an operation carries out in the world, and what makes another request of it. Text and
    `token` may name what the world knows.
    """

    request: dict[str, Any]
    altered: dict[str, Any]


PARTS: Final = ({"title": "Half", "files": ["a/**"]}, {"title": "Other half", "files": ["b/**"]})

SCENARIOS: Final[dict[str, Scenario]] = {
    "checkpoint.prune": Scenario({"older_than_days": 0.0, "keep": 0}, {"keep": 1}),
    "checkpoint.recover": Scenario({"token": "ada", "checkpoint": "work"}, {"checkpoint": "{checkpoint}"}),
    "checkpoint.save": Scenario({"token": "ada", "sortie": "work", "note": ("x",)}, {"note": ("y",)}),
    "ctk.release": Scenario({"token": "ada", "paths": ("src/**",)}, {"paths": ("docs/**",)}),
    "ctk.renew": Scenario({"token": "ada", "paths": ("src/**",), "ttl": 60.0}, {"ttl": 61.0}),
    "ctk.reserve": Scenario({"token": "bo", "paths": ("lib/*", "slot://build")}, {"paths": ("lib/*",)}),
    "lease.release": Scenario({"lease": "claim:work", "reason": "why not"}, {"reason": "because"}),
    "mission.cancel": Scenario({"mission": "new"}, {"reason": "no money"}),
    "mission.complete": Scenario({"mission": "done"}, {"summary": "all of it"}),
    "mission.create": Scenario({"title": "Log in"}, {"title": "Log out"}),
    "mission.plan": Scenario({"title": "Log in", "sorties": PARTS}, {"title": "Log out"}),
    "mission.start": Scenario({"mission": "new"}, {"mission": "done"}),
    "review.complete": Scenario(
        {"token": "rey", "sortie": "made", "verdict": "approved"}, {"verdict": "rejected"}
    ),
    "review.start": Scenario({"token": "rey", "sortie": "made"}, {"type": "security"}),
    "sortie.assign": Scenario({"sortie": "work", "specialist": "bo"}, {"specialist": "rey"}),
    "sortie.block": Scenario({"token": "ada", "sortie": "work", "reason": "rain"}, {"reason": "snow"}),
    "sortie.cancel": Scenario({"sortie": "work"}, {"because": "duplicate"}),
    "sortie.claim": Scenario({"token": "bo"}, {"priority": "medium"}),
    "sortie.complete": Scenario({"token": "ada", "sortie": "work"}, {"summary": "merged"}),
    "sortie.create": Scenario({"title": "Schema"}, {"title": "Tables"}),
    "sortie.fail": Scenario({"token": "ada", "sortie": "work", "reason": "rain"}, {"reason": "snow"}),
    "sortie.progress": Scenario({"token": "ada", "sortie": "work", "percent": 80}, {"percent": 79}),
    "sortie.release": Scenario({"token": "ada", "sortie": "work"}, {"reason": "rain"}),
    "sortie.split": Scenario({"sortie": "next", "parts": PARTS}, {"by": "ada"}),
    "sortie.start": Scenario({"token": "bo", "sortie": "next"}, {"ttl": 60.0}),
    "sortie.unblock": Scenario({"token": "bo", "sortie": "stuck"}, {"reason": "sun"}),
    "specialist.heartbeat": Scenario({"token": "ada", "status": "busy"}, {"status": "idle"}),
    "specialist.register": Scenario({"specialist": "ada", "anew": True}, {"role": "builder"}),
    "specialist.retire": Scenario({"specialist": "ada"}, {"reason": "error"}),
    "squawk.ack": Scenario({"token": "ada", "message": "{message}"}, {"response": "yes"}),
    "squawk.advance": Scenario({"token": "ada", "position": "handed out"}, {"unseen": True}),
    "squawk.read": Scenario({"token": "ada", "message": "{message}"}, {"mailbox": "ada"}),
    "squawk.receive": Scenario({"token": "ada", "bodies": True}, {"bodies": False}),
    "squawk.reply": Scenario({"token": "ada", "message": "{message}", "body": "no"}, {"body": "yes"}),
    "squawk.send": Scenario({"token": "ada", "to": "@all", "subject": "x"}, {"subject": "y"}),
}
"""A scenario for every operation that writes."""

SETTINGS: Final = "[plugins.specialists]\nlost_after = 86400\n"


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """A project in which everything can be done once."""
    root = tmp_path_factory.mktemp("settled")
    (root / "fleet.toml").write_text(SETTINGS)
    projects.create(projects.at(root, {}))
    with Fleet.open(root) as fleet:
        return root, settle_in(fleet)


def settle_in(fleet: Fleet) -> World:
    """Ada works, Bo waits, Rey reviews; there is mail, and there are missions that begin and that end."""
    ada, bo, rey = (register(fleet, Register(specialist=name)).state.token for name in ("ada", "bo", "rey"))
    for mission in ("new", "done"):
        mission_create(fleet, MissionCreate(title=mission, id=mission))
    mission_start(fleet, MissionStart(mission="done"))
    for sortie in ("work", "stuck", "made", "next"):
        sortie_create(fleet, SortieCreate(title=sortie, id=sortie, review=sortie == "made"))
    for sortie in ("work", "stuck", "made"):
        sortie_start(fleet, SortieStart(token=ada, sortie=sortie))
    sortie_block(fleet, SortieBlock(token=ada, sortie="stuck", reason="rain"))
    sortie_complete(fleet, SortieComplete(token=ada, sortie="made"))
    ctk_reserve(fleet, CtkReserve(token=ada, paths=("src/**", "docs/**")))
    saved = [checkpoint_save(fleet, CheckpointSave(token=ada, sortie="work")).state for _ in range(2)]
    message = send(fleet, Send(token=bo, to="ada", subject="hello", ack_required=True)).state.message_id
    handed_out = receive(fleet, Receive(token=ada)).state.tail
    send(fleet, Send(token=bo, to="ada", subject="hello again"))
    tokens = {"ada": ada, "bo": bo, "rey": rey}
    return tokens | {"checkpoint": saved[0].checkpoint_id, "message": message, "handed out": handed_out}


class Answer(NamedTuple):
    """What a request came to: its answer, and whether it is that of an earlier one; or why it was refused."""

    state: Any = None
    replayed: bool = False
    refusal: str = ""


class Place(NamedTuple):
    """A project of one's own, and a way to send requests there."""

    fleet: Fleet
    world: World
    send: Callable[[Operation, dict[str, Any]], Answer]

    def request(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What is said, with what the world knows in place of names."""
        return {name: self._meant(name, value) for name, value in said.items()}

    def _meant(self, name: str, value: Any) -> Any:
        if name in ("token", "position"):
            return self.world[value]
        return value.format_map(self.world) if isinstance(value, str) else value


@pytest.fixture(params=["library", "command line"])
def place(
    request: pytest.FixtureRequest,
    settled: tuple[Path, World],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    """A copy of the settled project, and a surface to send requests through."""
    template, world = settled
    root = shutil.copytree(template, tmp_path / "project")
    for name in [name for name in os.environ if name.startswith("FLEET_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(root)
    with Fleet.open(root) as fleet:
        surfaces: dict[str, Callable[[Operation, dict[str, Any]], Answer]] = {
            "library": lambda operation, said: by_library(fleet, operation, said),
            "command line": lambda operation, said: by_command(capsys, root, operation, said),
        }
        yield Place(fleet, world, surfaces[request.param])


def by_library(fleet: Fleet, operation: Operation, said: dict[str, Any]) -> Answer:
    try:
        done = operation.run(fleet, msgspec.convert(said, operation.request))
    except Conflict as refusal:
        return Answer(refusal=f"{refusal.code}: {refusal.message}")
    return Answer((done.state, done.position), done.replayed)


def by_command(
    capsys: pytest.CaptureFixture[str], root: Path, operation: Operation, said: dict[str, Any]
) -> Answer:
    capsys.readouterr()
    status = run([*typed(operation, said, root), "--json"])
    out, err = capsys.readouterr()
    if status:
        error = msgspec.json.decode(err)["error"]
        assert status == 6, error
        return Answer(refusal=f"{error['code']}: {error['message']}")
    document = msgspec.json.decode(out)
    return Answer((document["data"], document["position"]), document["replayed"])


def typed(operation: Operation, said: dict[str, Any], root: Path) -> list[str]:
    """A request as a person types it."""
    arguments: list[str] = []
    options: list[str] = []
    for field in msgspec.structs.fields(operation.request):
        value = said.get(field.name)
        option = f"--{field.name.replace('_', '-')}"
        if value is None:
            continue
        if field.name in ("sorties", "parts"):
            file = root / "request.json"
            file.write_bytes(msgspec.json.encode({field.name: value}))
            options += ["--file", str(file)]
        elif field.required or field.name == "paths":
            arguments += map(str, value if isinstance(value, tuple) else (value,))
        elif isinstance(value, bool):
            options += [option] if value else [f"--no-{option[2:]}"]
        else:
            options += [
                part
                for each in (value if isinstance(value, tuple) else (value,))
                for part in (option, str(each))
            ]
    return [*operation.name.split("."), *arguments, *options]


def test_no_operation_that_writes_is_without_a_scenario(place: Place) -> None:
    names = Catalog.installed().names("fleet.operations")
    assert {name for name in names if not place.fleet.operation(name).safe} == set(SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_sent_twice_with_one_key_is_done_once_and_answered_the_same(place: Place, name: str) -> None:
    operation, request = place.fleet.operation(name), place.request(SCENARIOS[name].request)
    before = place.fleet.store.head()
    first = place.send(operation, request | {"key": "k1"})
    head = place.fleet.store.head()
    assert (first.refusal, first.replayed, head > before) == ("", False, True)
    again = place.send(operation, request | {"key": "k1"})
    assert again == first._replace(replayed=True)
    assert place.fleet.store.head() == head


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_key_that_was_used_for_another_request_is_refused_and_nothing_is_recorded(
    place: Place, name: str
) -> None:
    operation, scenario = place.fleet.operation(name), SCENARIOS[name]
    place.send(operation, place.request(scenario.request) | {"key": "k1"})
    head = place.fleet.store.head()
    other = place.send(operation, place.request(scenario.request | scenario.altered) | {"key": "k1"})
    assert other.refusal.startswith("CONFLICT: key 'k1' was used for another request")
    assert place.fleet.store.head() == head
