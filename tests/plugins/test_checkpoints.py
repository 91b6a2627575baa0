"""Checkpoints: saved, made by themselves, recovered from the log or from their files, and pruned."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_checkpoints.api import (
    CheckpointList,
    CheckpointPrune,
    CheckpointRecover,
    CheckpointSave,
    CheckpointShow,
    Context,
    checkpoint_list,
    checkpoint_prune,
    checkpoint_recover,
    checkpoint_save,
    checkpoint_show,
)
from fleet_checkpoints.prompts import BUDGET, recovery_prompt
from fleet_core.errors import Conflict, Fenced, NotFound, Usage
from fleet_core.fleet import Fleet
from fleet_core.stores import Query
from fleet_core.times import as_datetime
from fleet_ctk.api import CtkList, CtkReserve, ctk_list, ctk_reserve
from fleet_missions.api import (
    SortieBlock,
    SortieClaim,
    SortieCreate,
    SortieFail,
    SortieReport,
    sortie_block,
    sortie_claim,
    sortie_create,
    sortie_fail,
    sortie_progress,
)
from fleet_specialists.api import Register, Retire, register, retire
from fleet_squawk.api import Send, send
from fleets import START, TestClock, opened


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock) as fleet:
        yield fleet


def at_work(fleet: Fleet, name: str = "ada", sortie: str = "s1") -> int:
    """A specialist's token, once it works on a sortie."""
    token = register(fleet, Register(specialist=name)).state.token
    sortie_create(fleet, SortieCreate(title="Schema", id=sortie, files=("src/db/**",)))
    return sortie_claim(fleet, SortieClaim(token=token)).state.token


def quarters(fleet: Fleet) -> list[str]:
    return [row.details for row in checkpoint_list(fleet, CheckpointList()).items]


def test_a_checkpoint_holds_what_the_log_knows_and_what_is_added(fleet: Fleet) -> None:
    token = at_work(fleet)
    ctk_reserve(fleet, CtkReserve(token=token, paths=("src/settings.py",)))
    sortie_progress(
        fleet, SortieReport(token=token, sortie="s1", percent=10, message="models", artifacts=("a.py",))
    )
    cy = register(fleet, Register(specialist="cy")).state.token
    send(fleet, Send(token=cy, to="ada", body="settings?", subject="settings"))
    save = CheckpointSave(token=token, note=("the index is missing",), next=("migrate",), files=("b.py",))
    context = checkpoint_save(fleet, save).state.context
    assert (context.sortie_id, context.progress, context.last_message) == ("s1", 10, "models")
    assert context.files == ("a.py", "b.py", "src/settings.py")
    assert (context.notes, context.next_steps) == (("the index is missing",), ("migrate",))
    assert [each.pattern for each in context.reservations] == ["src/settings.py"]
    assert [(mail.sender, mail.subject) for mail in context.unread] == [("cy", "settings")]


def test_notes_add_up_and_next_steps_stay_until_others_are_given(fleet: Fleet) -> None:
    token = at_work(fleet)
    checkpoint_save(fleet, CheckpointSave(token=token, note=("one",), next=("first",)))
    again = checkpoint_save(fleet, CheckpointSave(token=token, note=("two",))).state.context
    assert (again.notes, again.next_steps) == (("one", "two"), ("first",))


@pytest.mark.parametrize(
    ("reports", "made"),
    [
        ((20, 60), ["25 %", "50 %"]),
        ((24, 25), ["25 %"]),
        ((100,), ["25 %", "50 %", "75 %"]),
        ((30, 10, 30), ["25 %", "25 %"]),
        ((24,), []),
        ((50, 50, 74), ["25 %", "50 %"]),
    ],
)
def test_progress_makes_a_checkpoint_for_each_quarter_that_it_crosses(
    fleet: Fleet, reports: tuple[int, ...], made: list[str]
) -> None:
    token = at_work(fleet)
    for percent in reports:
        sortie_progress(fleet, SortieReport(token=token, sortie="s1", percent=percent))
    assert quarters(fleet) == made


def test_a_checkpoint_of_progress_is_caused_by_it_and_in_its_append(fleet: Fleet) -> None:
    token = at_work(fleet)
    sortie_progress(fleet, SortieReport(token=token, sortie="s1", percent=60))
    progress, first, second = list(
        fleet.store.read(Query.of(types=("sortie_progress", "checkpoint_created")))
    )
    assert (first.causation_id, second.causation_id) == (progress.id, progress.id)
    assert [first.position, second.position] == [progress.position + 1, progress.position + 2]


def test_a_sortie_that_is_blocked_is_checkpointed(fleet: Fleet) -> None:
    token = at_work(fleet)
    sortie_block(fleet, SortieBlock(token=token, sortie="s1", reason="no access"))
    [row] = checkpoint_list(fleet, CheckpointList()).items
    assert (row.trigger, row.details) == ("error", "no access")


def test_a_sortie_that_fails_is_checkpointed(fleet: Fleet) -> None:
    token = at_work(fleet)
    sortie_fail(fleet, SortieFail(token=token, sortie="s1", reason="out of memory"))
    [row] = checkpoint_list(fleet, CheckpointList()).items
    assert (row.trigger, row.details) == ("error", "out of memory")


def taken_over(fleet: Fleet) -> tuple[int, int]:
    """Ada saved and went; Bo has her sortie. Gives both tokens."""
    ada = at_work(fleet)
    ctk_reserve(fleet, CtkReserve(token=ada, paths=("src/db/**", "src/settings.py")))
    checkpoint_save(fleet, CheckpointSave(token=ada, note=("careful",)))
    retire(fleet, Retire(specialist="ada"))
    bo = register(fleet, Register(specialist="bo")).state.token
    return ada, sortie_claim(fleet, SortieClaim(token=bo)).state.token


def test_recovering_reserves_again_what_is_free_and_says_what_is_not(fleet: Fleet) -> None:
    _, bo = taken_over(fleet)
    cy = register(fleet, Register(specialist="cy")).state.token
    ctk_reserve(fleet, CtkReserve(token=cy, paths=("src/settings.py",)))
    recovered = checkpoint_recover(fleet, CheckpointRecover(token=bo, checkpoint="s1")).state
    assert (recovered.reservations, recovered.lost) == (("src/db/**",), ("src/settings.py",))
    held = {(row.holder, row.pattern) for row in ctk_list(fleet, CtkList()).items}
    assert held == {("bo", "src/db/**"), ("cy", "src/settings.py")}


def test_recovering_again_in_the_same_session_changes_nothing(fleet: Fleet) -> None:
    _, bo = taken_over(fleet)
    first = checkpoint_recover(fleet, CheckpointRecover(token=bo, checkpoint="s1"))
    head = fleet.store.head()
    assert checkpoint_recover(fleet, CheckpointRecover(token=bo, checkpoint="s1")).state == first.state
    assert fleet.store.head() == head


def test_a_dry_run_says_the_same_and_changes_nothing(fleet: Fleet) -> None:
    _, bo = taken_over(fleet)
    head = fleet.store.head()
    tried = checkpoint_recover(fleet, CheckpointRecover(token=bo, checkpoint="s1", dry_run=True)).state
    assert fleet.store.head() == head
    done = checkpoint_recover(fleet, CheckpointRecover(token=bo, checkpoint="s1")).state
    assert (tried.reservations, tried.prompt) == (done.reservations, done.prompt)


def test_recovering_needs_the_sorties_claim(fleet: Fleet) -> None:
    taken_over(fleet)
    cy = register(fleet, Register(specialist="cy")).state.token
    with pytest.raises(Conflict, match="belongs to bo"):
        checkpoint_recover(fleet, CheckpointRecover(token=cy, checkpoint="s1"))


def test_whoever_was_taken_over_saves_and_recovers_nothing_any_more(fleet: Fleet) -> None:
    ada, _ = taken_over(fleet)
    with pytest.raises(Fenced):
        checkpoint_save(fleet, CheckpointSave(token=ada))
    with pytest.raises(Fenced):
        checkpoint_recover(fleet, CheckpointRecover(token=ada, checkpoint="s1"))


def test_a_damaged_file_is_made_up_for_by_the_log(fleet: Fleet) -> None:
    _, bo = taken_over(fleet)
    for file in (fleet.project.directory / "checkpoints").rglob("*.json"):
        file.write_bytes(file.read_bytes().replace(b"careful", b"carefree"))
    assert checkpoint_show(fleet, CheckpointShow(checkpoint="s1")).in_file is False
    prompt = checkpoint_recover(fleet, CheckpointRecover(token=bo, checkpoint="s1")).state.prompt
    assert "Note: careful" in prompt


def test_a_log_that_has_lost_a_checkpoint_is_made_up_for_by_its_file(tmp_path: Path) -> None:
    for name in ("lost", "new"):
        (tmp_path / name).mkdir()
    with opened(tmp_path / "lost", "sqlite") as lost:
        taken_over(lost)
        saved = lost.project.directory / "checkpoints"
        with opened(tmp_path / "new", "sqlite") as fleet:
            saved.rename(fleet.project.directory / "checkpoints")
            bo = at_work(fleet, "bo")
            recovered = checkpoint_recover(fleet, CheckpointRecover(token=bo, checkpoint="s1")).state
            assert "Note: careful" in recovered.prompt
            assert recovered.reservations == ("src/db/**", "src/settings.py")
            assert checkpoint_show(fleet, CheckpointShow(checkpoint="s1")).in_log


def test_a_checkpoint_whose_copies_are_both_gone_is_an_error(fleet: Fleet) -> None:
    with pytest.raises(NotFound, match="no checkpoint of 's9'"):
        checkpoint_show(fleet, CheckpointShow(checkpoint="s9"))


def test_copies_are_for_their_owner_alone(fleet: Fleet) -> None:
    token = at_work(fleet)
    checkpoint_save(fleet, CheckpointSave(token=token))
    [file] = (fleet.project.directory / "checkpoints").rglob("*.json")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("sortie", ["..", "a:b", ".hidden", "x" * 100])
def test_no_sortie_leads_out_of_the_folder_of_checkpoints(fleet: Fleet, sortie: str) -> None:
    token = at_work(fleet, sortie=sortie)
    checkpoint_save(fleet, CheckpointSave(token=token))
    folder = fleet.project.directory / "checkpoints"
    [file] = fleet.project.root.rglob("*.json")
    assert file.parent.parent == folder


def test_with_several_sorties_one_must_be_named(fleet: Fleet) -> None:
    at_work(fleet, sortie="s1")
    at_work(fleet, sortie="s2")
    session = register(fleet, Register(specialist="ada")).state.token
    with pytest.raises(Usage, match="ada works on s1, s2"):
        checkpoint_save(fleet, CheckpointSave(token=session))
    assert checkpoint_save(fleet, CheckpointSave(token=session, sortie="s2")).state.context.sortie_id == "s2"


def test_pruning_keeps_the_newest_and_the_young(fleet: Fleet, clock: TestClock) -> None:
    token = at_work(fleet)
    ids = [checkpoint_save(fleet, CheckpointSave(token=token)).state.checkpoint_id for _ in range(4)]
    clock.advance(8 * 86_400)
    young = at_work(fleet, "bo", "s2")
    checkpoint_save(fleet, CheckpointSave(token=young))
    pruned = checkpoint_prune(fleet, CheckpointPrune(keep=1)).state
    assert set(pruned.checkpoints) == set(ids[:3])
    left = {file.stem for file in (fleet.project.directory / "checkpoints").rglob("*.json")}
    assert ids[3] in left
    assert not left & set(ids[:3])
    assert pruned.freed_bytes > 0


def test_pruning_dry_removes_nothing(fleet: Fleet, clock: TestClock) -> None:
    token = at_work(fleet)
    checkpoint_save(fleet, CheckpointSave(token=token))
    clock.advance(8 * 86_400)
    tried = checkpoint_prune(fleet, CheckpointPrune(keep=0, dry_run=True)).state
    assert checkpoint_prune(fleet, CheckpointPrune(keep=0)).state.freed_bytes == tried.freed_bytes > 0


@given(
    title=st.text(max_size=2000),
    notes=st.lists(st.text(max_size=1000), max_size=20),
    files=st.lists(st.text(max_size=300), max_size=200),
    steps=st.lists(st.text(max_size=1000), max_size=5),
)
def test_a_prompt_never_exceeds_its_budget(
    title: str, notes: list[str], files: list[str], steps: list[str]
) -> None:
    context = Context(
        trigger="manual",
        taken_at=as_datetime(START),
        specialist_id="ada",
        sortie_id="s1",
        title=title,
        notes=tuple(notes),
        files=tuple(files),
        next_steps=tuple(steps),
    )
    prompt = recovery_prompt(context, lost=files[:3])
    assert len(prompt.encode()) <= BUDGET
    assert prompt.rpartition("\n")[0].rpartition("\n")[2].startswith("Next: ")
