"""What a specialist is told to begin with, in each situation, and that it is never too much to read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_checkpoints.api import (
    CheckpointRecover,
    CheckpointSave,
    Prime,
    checkpoint_recover,
    checkpoint_save,
    prime,
)
from fleet_checkpoints.prompts import BUDGET, LINE
from fleet_core.errors import NotFound
from fleet_core.fleet import Fleet
from fleet_ctk.api import CtkReserve, ctk_reserve
from fleet_missions.api import (
    ReviewComplete,
    SortieAssign,
    SortieBlock,
    SortieClaim,
    SortieComplete,
    SortieCreate,
    SortieReport,
    SortieStart,
    review_complete,
    sortie_assign,
    sortie_block,
    sortie_claim,
    sortie_complete,
    sortie_create,
    sortie_progress,
    sortie_start,
)
from fleet_specialists.api import Heartbeat, Register, heartbeat, register
from fleet_squawk.api import Send, send
from fleets import TestClock, opened


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock) as fleet:
        yield fleet


def join(fleet: Fleet, name: str, role: str | None = None) -> int:
    return register(fleet, Register(specialist=name, role=role)).state.token


def told(fleet: Fleet, token: int | None) -> list[str]:
    """The lines of the prompt, which is never too long."""
    prompt = prime(fleet, Prime(token=token)).prompt
    assert len(prompt.encode()) <= BUDGET
    return prompt.splitlines()


def at_work(fleet: Fleet, name: str = "ada", sortie: str = "s1", *, review: bool = False) -> int:
    """A specialist's claim, once it works on a sortie."""
    token = join(fleet, name)
    sortie_create(fleet, SortieCreate(title="Schema", id=sortie, review=review))
    return sortie_start(fleet, SortieStart(token=token, sortie=sortie)).state.token


def test_who_is_nobody_is_told_to_register(fleet: Fleet) -> None:
    first, last = told(fleet, None)
    assert first == "You are not registered here."
    assert last.startswith("Next: fleet specialist register NAME")


def test_a_made_up_token_makes_nobody_somebody(fleet: Fleet) -> None:
    assert told(fleet, 12345) == told(fleet, None)


def test_an_unknown_specialist_is_an_error(fleet: Fleet) -> None:
    with pytest.raises(NotFound, match="no specialist is registered as 'eve'"):
        prime(fleet, Prime(specialist="eve"))


def test_who_has_nothing_to_do_is_told_to_wait(fleet: Fleet) -> None:
    token = join(fleet, "ada", "builder")
    first, last = told(fleet, token)
    assert (
        first
        == f"You are ada, builder. Your session's token is {token}; it is over in 60 s unless you write."
    )
    assert last == "Next: fleet wait --for mail --for ready"


def test_whose_session_is_over_is_told_what_became_of_its_claim(fleet: Fleet, clock: TestClock) -> None:
    claim = at_work(fleet)
    clock.advance(61)
    bo = join(fleet, "bo")
    clock.advance(6)
    sortie_claim(fleet, SortieClaim(token=bo))
    lines = told(fleet, claim)
    assert lines[0] == "You are ada. Your session is over (lost)."
    assert lines[2].startswith(f"Your lease claim:s1, token {claim}, ended at position ")
    assert lines[2].endswith("; bo holds it now.")
    assert lines[-1] == "Next: fleet specialist register ada, and export its FLEET_TOKEN"


def test_who_asks_by_name_is_told_nothing_of_somebody_elses_token(fleet: Fleet) -> None:
    join(fleet, "bo")
    prompt = prime(fleet, Prime(specialist="bo", token=12345)).prompt
    assert "Your lease" not in prompt


def test_who_works_is_told_on_what_under_which_token_and_what_it_has_reserved(fleet: Fleet) -> None:
    claim = at_work(fleet)
    ctk_reserve(fleet, CtkReserve(token=claim, paths=("src/db/**", "slot://build")))
    sortie_progress(fleet, SortieReport(token=claim, sortie="s1", percent=20))
    lines = told(fleet, claim)
    assert lines[1] == f"You work on s1 (in_progress, 20 %), token {claim}: Schema"
    assert lines[2] == "You have reserved: src/db/**, slot://build"
    assert lines[-1] == "Next: go on with s1; fleet sortie progress s1 PERCENT says how far"


def test_who_has_saved_a_checkpoint_is_told_to_look_at_it(fleet: Fleet) -> None:
    claim = at_work(fleet)
    checkpoint_save(fleet, CheckpointSave(token=claim))
    assert told(fleet, claim)[-1] == "Next: go on with s1; fleet checkpoint show s1 tells where it stood"


def test_whose_sortie_is_blocked_is_told_why_and_to_wait(fleet: Fleet) -> None:
    claim = at_work(fleet)
    sortie_block(fleet, SortieBlock(token=claim, sortie="s1", reason="no access yet"))
    assert told(fleet, claim)[-1] == "Next: s1 is blocked (no access yet): fleet wait --for mail"


def test_who_has_another_sortie_than_the_blocked_one_goes_on_with_that(fleet: Fleet) -> None:
    claim = at_work(fleet)
    sortie_block(fleet, SortieBlock(token=claim, sortie="s1", reason="no access yet"))
    other = at_work(fleet, sortie="s2")
    assert told(fleet, other)[-1].startswith("Next: go on with s2;")


def test_what_a_review_sent_back_is_to_be_started_again(fleet: Fleet) -> None:
    claim = at_work(fleet, review=True)
    sortie_complete(fleet, SortieComplete(token=claim, sortie="s1"))
    rey = join(fleet, "rey", "reviewer")
    review_complete(fleet, ReviewComplete(token=rey, sortie="s1", verdict="needs_changes"))
    ada = join(fleet, "ada")
    assert told(fleet, ada)[-1] == "Next: fleet sortie start s1 (Schema), which is assigned to you"


def test_what_is_assigned_and_waits_for_something_else_is_not_to_be_started_yet(fleet: Fleet) -> None:
    ada = join(fleet, "ada")
    sortie_create(fleet, SortieCreate(title="Schema", id="s1"))
    sortie_create(fleet, SortieCreate(title="Routes", id="s2", needs=("s1",)))
    sortie_assign(fleet, SortieAssign(sortie="s2", specialist="ada"))
    assert told(fleet, ada)[-1] == "Next: fleet sortie claim (next is s1: Schema)"


def test_a_reviewer_is_told_what_waits_for_a_review(fleet: Fleet) -> None:
    rey = join(fleet, "rey", "reviewer")
    claim = at_work(fleet, review=True)
    assert told(fleet, rey)[-1] == "Next: fleet wait --for mail --for ready"
    sortie_complete(fleet, SortieComplete(token=claim, sortie="s1"))
    assert told(fleet, rey)[-1] == "Next: fleet review start s1"


def test_a_reviewer_is_not_told_to_review_its_own_work(fleet: Fleet) -> None:
    claim = at_work(fleet, "rey", review=True)
    sortie_complete(fleet, SortieComplete(token=claim, sortie="s1"))
    rey = join(fleet, "rey", "reviewer")
    assert told(fleet, rey)[-1] == "Next: fleet wait --for mail --for ready"


def test_a_reviewer_is_not_told_to_review_what_has_been_reviewed(fleet: Fleet) -> None:
    claim = at_work(fleet, review=True)
    sortie_complete(fleet, SortieComplete(token=claim, sortie="s1"))
    rey = join(fleet, "rey", "reviewer")
    review_complete(fleet, ReviewComplete(token=rey, sortie="s1", verdict="approved"))
    assert told(fleet, rey)[-1] == "Next: fleet wait --for mail --for ready"


def test_who_is_free_is_told_which_sortie_is_next(fleet: Fleet) -> None:
    ada = join(fleet, "ada")
    sortie_create(fleet, SortieCreate(title="Schema", id="s1"))
    sortie_create(fleet, SortieCreate(title="Fire", id="s2", priority="critical"))
    assert told(fleet, ada)[-1] == "Next: fleet sortie claim (next is s2: Fire)"


def test_unread_mail_is_counted_and_the_first_messages_are_named(fleet: Fleet) -> None:
    ada, bo = join(fleet, "ada"), join(fleet, "bo")
    for number in range(5):
        send(fleet, Send(token=bo, to="ada", subject=f"number {number}", priority="high"))
    lines = told(fleet, ada)
    assert lines[1] == "5 unread messages: fleet squawk receive"
    assert lines[2:5] == [f"- bo: number {number} (high)" for number in range(3)]


def test_a_confirmation_that_is_overdue_is_told_with_the_command(fleet: Fleet, clock: TestClock) -> None:
    ada, bo = join(fleet, "ada"), join(fleet, "bo")
    sent = send(fleet, Send(token=bo, to="ada", subject="stop", ack_within=20)).state
    assert not any(line.startswith("Overdue") for line in told(fleet, ada))
    clock.advance(21)
    heartbeat(fleet, Heartbeat(token=ada))
    assert f"Overdue: fleet squawk ack {sent.message_id} (stop)" in told(fleet, ada)


def test_mail_to_a_role_is_told_to_who_has_it(fleet: Fleet, clock: TestClock) -> None:
    join(fleet, "bo")
    clock.advance(61)
    chi = join(fleet, "chi", "coordinator")
    assert "1 unread message in @coordinator: fleet squawk receive --mailbox @coordinator" in told(fleet, chi)


LONG = "é" * 90


def test_a_crowded_fleet_is_told_of_within_the_budget(fleet: Fleet, clock: TestClock) -> None:
    bo = join(fleet, "bo", LONG)
    for number in range(30):
        sortie_create(fleet, SortieCreate(title=f"{LONG} {number}", id=f"s{number}"))
    register(fleet, Register(specialist="ada", name=LONG, role=LONG))
    ada = join(fleet, "ada", LONG)
    claims = [sortie_claim(fleet, SortieClaim(token=ada)).state.token for _ in range(20)]
    ctk_reserve(fleet, CtkReserve(token=claims[0], paths=tuple(f"src/{LONG}/{n}/**" for n in range(40))))
    for number in range(40):
        send(fleet, Send(token=bo, to="ada", subject=f"{LONG} {number}", body=LONG, ack_within=1))
    clock.advance(2)
    lines = told(fleet, ada)
    assert max(len(line.encode()) for line in lines) <= LINE
    assert any("more lines)" in line for line in lines)
    assert lines[-1].startswith("Next: go on with s0;")


def test_a_crowded_recovery_is_told_within_the_budget(fleet: Fleet) -> None:
    claim = at_work(fleet)
    bo = join(fleet, "bo")
    ctk_reserve(fleet, CtkReserve(token=claim, paths=tuple(f"src/{LONG}/{n}/**" for n in range(40))))
    for number in range(40):
        send(fleet, Send(token=bo, to="ada", subject=f"{LONG} {number}"))
    notes = tuple(f"{LONG} {number}" for number in range(40))
    checkpoint_save(fleet, CheckpointSave(token=claim, note=notes, next=notes, files=notes))
    prompt = checkpoint_recover(fleet, CheckpointRecover(token=claim, checkpoint="s1")).state.prompt
    assert len(prompt.encode()) <= BUDGET
    assert prompt.startswith("You take over sortie s1")
    assert prompt.splitlines()[-1].startswith("Next: ")
