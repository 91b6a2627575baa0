"""The acceptance story "OAuth login": a coordinator, four builders and a reviewer on one repository.

Told step by step, on each store: a coordinator plans, Ada is lost in the middle of her work, Bo takes over,
Ada comes back with stale tokens, reviews find fault, mail pours in, the mission is done. Everything is real:
git and its hooks, processes that are killed and paused, a database. Nothing sleeps to be right; what takes
its time is waited for.

Left out is what `fleet` does not have yet: `serve` (2); export, import and backup (21); a plugin that comes
in mid-story (23); `doctor --fix` (22). What is done by HTTP and MCP elsewhere is done here by command line
and library; a hook that puts mail before Ada is her `fleet prime` (8), an answer that a cut connection lost
is one that nobody read (13), and a restart of the server (14) is nothing to processes that each open the
store anew. Claims under load are in `test_claim_storm`.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from fleet_core.api import Fleet
from fleet_core.times import system_clock
from fleet_leases.api import LEASES, read_clock
from fleet_missions.api import (
    SortieComplete,
    SortieCreate,
    SortieReport,
    SortieStart,
    sortie_complete,
    sortie_create,
    sortie_progress,
    sortie_start,
)
from fleet_specialists.api import Register, Show, register, show
from fleet_squawk.api import Inbox, InboxRequest, Send, inbox, send
from fleets import unlike
from lease_history import overlapping_holders
from mail import cursors, rising
from postgres_servers import SharedServer
from repositories import contents, fleet, git, told
from story import tampering
from story.killing import kill_in_mid_append
from story.shop import HASTE, Backend, Shop, open_shop, until

BUILDERS: Final = ("ada", "bo", "cy", "di")

PLAN: Final[dict[str, Any]] = {
    "title": "OAuth login",
    "id": "oauth",
    "sorties": [
        {"id": "S1", "title": "Database schema", "files": ["src/db/**"], "review": True},
        {"id": "S2", "title": "Token service", "files": ["src/auth/token*.py"], "needs": ["S1"]},
        {
            "id": "S3",
            "title": "OAuth routes",
            "files": ["src/auth/oauth*.py", "src/web/routes.py"],
            "needs": ["S2"],
            "review": True,
        },
        {"id": "S4", "title": "Login page", "files": ["src/web/ui/**"]},
        {"id": "S5", "title": "Tests", "files": ["tests/**"], "needs": ["S3", "S4"]},
    ],
}

LATE: Final = (
    "fleet sortie progress S1 80 --json",
    "fleet sortie complete S1 --json",
    "fleet ctk renew 'src/db/**' --json",
    "fleet checkpoint save --sortie S1 --json",
    "git add src/db && git commit -m 'too late'",
)
"""What Ada is about to do when her machine goes to sleep."""

UNSOUND: Final[dict[str, Any]] = {
    "title": "OAuth login",
    "sorties": [
        {"id": "routes", "title": "Routes", "files": ["src/web/**"]},
        {"id": "pages", "title": "Pages", "files": ["src/web/**"]},
        {"id": "a", "title": "A", "needs": ["c"]},
        {"id": "b", "title": "B", "needs": ["a"]},
        {"id": "c", "title": "C", "needs": ["b"]},
    ],
}


STORY: Final[list[Callable[[Shop], None]]] = []
"""The steps, in their order."""


def step(tell: Callable[[Shop], None]) -> Callable[[Shop], None]:
    """Make a function the next step of the story."""
    STORY.append(tell)
    return tell


def types(events: list[Any]) -> Counter[str]:
    return Counter(event.type for event in events)


def ten_minutes_fast() -> int:
    """Di's clock."""
    return system_clock() + 600_000_000


def in_one_append(events: list[Any]) -> bool:
    """Whether nothing of another append lies between events."""
    positions = [event.position for event in events]
    return positions == list(range(positions[0], positions[0] + len(positions)))


@step
def step_01_fleet_moves_in_beside_the_hook_that_was_there(shop: Shop) -> None:
    shop.hooks = contents(shop.root / ".git" / "hooks") | contents(shop.root / ".git" / "info")
    assert shop.do("init")["backend"] == shop.backend.name
    shop.do("setup", "git")
    for who in BUILDERS[:3]:
        git(shop.root, "worktree", "add", "-b", f"{who}s-branch", str(shop.worktree(who)))
    for tree in (shop.root, *map(shop.worktree, BUILDERS[:3])):
        assert git(tree, "status", "--porcelain").stdout == ""
        assert shop.do("status", at=tree)["root"] == str(shop.root)
    assert (shop.root / ".fleet").is_dir()
    (shop.root / "README.orig").touch()
    git(shop.root, "add", "README.orig")
    assert git(shop.root, "commit", "-m", "the old hook minds", check=False).returncode == 1
    git(shop.root, "rm", "-f", "README.orig")
    assert shop.asked_of_old_hook == 1


@step
def step_03_everybody_registers_and_gets_a_token_of_its_own(shop: Shop) -> None:
    shop.tokens["ada"] = shop.do(
        "specialist", "register", "ada", "--name", "Ada", "--program", "claude-code", "--role", "builder"
    )["token"]
    first = shop.run("specialist", "register", "bo", "--role", "builder", "--key", "bo-1")
    again = shop.run("specialist", "register", "bo", "--role", "builder", "--key", "bo-1")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.data == first.data
    shop.tokens["bo"] = first.data["token"]
    for who, role in {"cy": "builder", "rey": "reviewer", "chi": "coordinator"}.items():
        shop.tokens[who] = shop.do("specialist", "register", who, "--role", role)["token"]
    shop.tokens["di"] = register(shop.fleet, Register(specialist="di", role="builder")).state.token
    assert len(set(shop.tokens.values())) == 6


@step
def step_04_an_unsound_plan_is_refused_with_all_that_is_wrong_and_changes_nothing(shop: Shop) -> None:
    head, plan = shop.head, shop.file("plan.json", UNSOUND)
    for options in (["--validate"], []):
        error = shop.refused(7, "mission", "plan", "--file", plan, *options)
        faults = [fault["message"] for fault in error["faults"]]
        assert any(fault.count("src/web/**") == 2 and "both cover src/web/" in fault for fault in faults)
        assert any("in a circle" in fault and {"a", "b", "c"} <= set(fault.split()) for fault in faults)
    assert shop.head == head


@step
def step_05_a_sound_plan_is_recorded_in_one_append(shop: Shop) -> None:
    head = shop.head
    planned = shop.do("mission", "plan", "--file", shop.file("plan.json", PLAN), by="chi")
    assert (planned["waves"], planned["width"]) == ([["S1", "S4"], ["S2"], ["S3"], ["S5"]], 2)
    recorded = shop.events(after=head)
    assert types(recorded) == {"mission_created": 1, "sortie_created": 5}
    assert in_one_append(recorded)
    assert {event.causation_id for event in recorded[1:]} == {recorded[0].id}
    shop.marks["plan"] = recorded[0].position
    shop.do("mission", "start", "oauth")


@step
def step_06_of_four_that_claim_at_once_two_win_and_two_hear_why_not(shop: Shop) -> None:
    claims = [shop.start("sortie", "claim", "--mission", "oauth", by=who) for who in BUILDERS]
    answers = dict(zip(BUILDERS, shop.finish(*claims), strict=True))
    assert sorted(answer.status for answer in answers.values()) == [0, 0, 4, 4]
    won = {who: answer.data for who, answer in answers.items() if answer.status == 0}
    assert {each["sortie"] for each in won.values()} == {"S1", "S4"}
    assert all(
        each["lease_id"] and each["token"] and each["expires_in_ms"] == 600_000 for each in won.values()
    )
    for answer in answers.values():
        if answer.status == 4:
            blockers = {each["sortie"]: each["why_not"] for each in answer.error["blockers"]}
            assert answer.error["code"] == "NOTHING_READY"
            assert blockers["S2"] == "waits for S1"
            assert blockers["S5"] == "waits for S3, S4"
    # Whoever was first, the story goes on with Ada at S1 and Cy at S4.
    for who, each in won.items():
        shop.do("sortie", "release", each["sortie"], by=who)
    for who, sortie in {"ada": "S1", "cy": "S4"}.items():
        shop.tokens[sortie] = shop.do("sortie", "start", sortie, by=who)["token"]
    shop.tokens["stale"] = shop.tokens["S1"]


@step
def step_07_a_reservation_that_overlaps_another_is_refused_as_a_whole(shop: Shop) -> None:
    granted = shop.do("ctk", "reserve", "src/db/**", "src/settings.py", by="S1")
    assert [each["pattern"] for each in granted] == ["src/db/**", "src/settings.py"]
    error = shop.refused(6, "ctk", "reserve", "src/web/ui/**", "src/*.py", by="S4")
    assert error["code"] == "CTK_CONFLICT"
    facts = (error["holder"], error["pattern"], error["requested"], error["witness"])
    assert facts == ("ada", "src/settings.py", "src/*.py", "src/settings.py")
    assert error["seconds_left"] > 0
    assert error["next"] == "fleet wait --for 'ctk:src/*.py'"
    assert {each["holder"] for each in shop.do("ctk", "list")} == {"ada"}
    [conflict] = shop.events("ctk_conflict")
    assert (conflict.data.requesting_specialist, conflict.data.holding_specialist) == ("cy", "ada")


@step
def step_08_mail_has_the_way_freed_for_who_waits(shop: Shop) -> None:
    letter = ("need settings.py", "--thread", "oauth/settings", "--priority", "high", "--ack-required")
    shop.do("squawk", "send", "ada", *letter, by="cy")
    waiting = shop.start("wait", "--for", "ctk:src/*.py", "--timeout", "60s", by="S4")
    assert "- cy: need settings.py (high)" in shop.do("prime", by="ada")["prompt"]
    [message] = shop.do("squawk", "receive", by="ada")["messages"]
    shop.do("squawk", "reply", message["message_id"], "in a moment", by="ada")
    shop.do("squawk", "ack", message["message_id"], by="ada")
    shop.do("squawk", "advance", str(message["position"]), by="ada")
    assert waiting.poll() is None
    shop.do("ctk", "release", "src/settings.py", by="S1")
    [found] = shop.finish(waiting)
    assert (found.status, found.data["argument"]) == (0, "src/*.py")
    shop.do("ctk", "reserve", "src/web/ui/**", "src/*.py", by="S4")
    [reply] = shop.do("squawk", "inbox", by="cy")["messages"]
    assert (reply["sender"], reply["thread_id"]) == ("ada", "oauth/settings")
    assert shop.do("squawk", "overdue", "--pending", by="cy") == []


@step
def step_09_progress_makes_a_checkpoint_for_each_quarter_it_crosses(shop: Shop) -> None:
    shop.do("squawk", "send", "ada", "are you well?", by="rey")
    shop.do("sortie", "progress", "S1", "20", by="S1")
    shop.do("checkpoint", "save", "--note", "names are unique", "--next", "write the migration", by="S1")
    head = shop.head
    report = ("60", "--message", "models", "--artifacts", "src/db/models.py")
    shop.do("sortie", "progress", "S1", *report, by="S1", at=shop.worktree("ada"))
    made = shop.events("checkpoint_created", after=head)
    assert [event.data.context["details"] for event in made] == ["25 %", "50 %"]
    context = made[-1].data.context
    assert (context["sortie_id"], context["progress"]) == ("S1", 60)
    assert set(context["files"]) == {"src/db/models.py", "src/db/**"}
    assert context["notes"] == ["names are unique"]
    assert [each["pattern"] for each in context["reservations"]] == ["src/db/**"]
    assert [each["subject"] for each in context["unread"]] == ["are you well?"]
    assert context["git_head"] == git(shop.root, "rev-parse", "HEAD").stdout.strip()


@step
def step_10_ada_is_killed_and_falls_silent_and_her_work_is_free_again(shop: Shop) -> None:
    head = shop.head
    kill_in_mid_append(shop, "ctk", "reserve", "migrations/**", "docs/db.md", by="S1")
    assert types(shop.events(after=head)) in ({}, {"lease_granted": 2, "ctk_reserved": 2})
    terminal = shop.terminal("ada", HASTE | {"FLEET_TOKEN": str(shop.tokens["stale"])})
    terminal.type("fleet specialist heartbeat --json")
    assert terminal.read()[0] == 0
    terminal.pause()
    for command in LATE:
        terminal.type(command)
    shop.asleep = terminal
    until(lambda: show(shop.fleet, Show(specialist="ada")).status == "late")
    assert [each["specialist_id"] for each in shop.do("specialist", "list", "--status", "late")] == ["ada"]
    assert any("ada is late" in each["what"] for each in shop.do("status")["notices"])
    held = {lease.lease_id for lease in shop.fleet.view(LEASES).select({"holder": "ada"}).items}
    [*_, beat] = shop.events("lease_renewed", stream=("lease", "session:ada"))
    head = shop.head
    shop.do("specialist", "heartbeat", by="chi")
    [*lost, said, renewed] = shop.events(after=head)
    assert (said.type, renewed.type) == ("specialist_active", "lease_renewed")
    assert in_one_append(lost)
    assert {event.stream_id for event in lost if event.type == "lease_expired"} == held
    assert lost[0].causation_id == beat.id
    assert types(lost)["specialist_lost"] == types(lost)["sortie_status_changed"] == 1
    [mail] = [event for event in lost if event.type == "squawk_sent"]
    assert (mail.stream_id, mail.data.message_type) == ("chi", "specialist_lost")
    ready = shop.do("wait", "--for", "ready:oauth", "--timeout", "60s", by="chi")
    assert ready["found"]["sortie_id"] == "S1"
    shop.do("specialist", "heartbeat", by="chi")  # the next writer has it recorded
    [freed] = shop.events("lease_freed", stream=("lease", "claim:S1"))
    [expired] = [event for event in lost if (event.type, event.stream_id) == ("lease_expired", "claim:S1")]
    assert freed.data.at.steady - expired.data.at.steady >= 500_000
    shop.marks["ready again"] = shop.head


@step
def step_11_bo_takes_over_where_ada_stood(shop: Shop) -> None:
    claimed = shop.do("sortie", "claim", "--mission", "oauth", by="bo")
    assert (claimed["sortie"], claimed["progress"]) == ("S1", 60)
    assert claimed["token"] > shop.tokens["stale"]
    shop.tokens["S1"] = claimed["token"]
    recovered = shop.do("checkpoint", "recover", "S1", by="S1")
    assert (recovered["recovered_by"], recovered["reservations"], recovered["lost"]) == (
        "bo",
        ["src/db/**"],
        [],
    )
    prompt = recovered["prompt"]
    assert len(prompt.encode()) <= 1600
    for fact in ("60 % done when ada left it", "src/db/models.py", "names are unique", "are you well?"):
        assert fact in prompt
    assert prompt.endswith("Next: write the migration\n")
    [event] = shop.events("fleet_recovered")
    [*_, fifty] = shop.events("checkpoint_created")
    assert (event.stream_id, event.data.specialist_id) == (fifty.stream_id, "bo")
    assert (fifty.data.specialist_id, fifty.data.context["details"]) == ("ada", "50 %")


@step
def step_12_ada_awakes_and_each_of_her_late_writes_is_refused_and_recorded(shop: Shop) -> None:
    before, terminal = shop.sortie("S1"), shop.asleep
    assert terminal is not None
    (shop.worktree("ada") / "src" / "db").mkdir(parents=True)
    (shop.worktree("ada") / "src" / "db" / "models.py").write_text("late\n")
    terminal.go_on()
    *writes, commit = [terminal.read() for _ in LATE]
    [expired] = shop.events("lease_expired", stream=("lease", "claim:S1"))
    for status, said in writes:
        error = msgspec.json.decode(said)["error"]
        assert (status, error["code"], error["ended_at"]) == (5, "FENCED", expired.position)
        assert f"ended at position {expired.position}; bo holds claim:S1 now" in error["message"]
        assert "'fleet prime'" in error["remedy"]
    assert commit[0] == 1
    assert f"ended at position {expired.position}; bo holds claim:S1 now" in commit[1]
    assert git(shop.worktree("ada"), "rev-list", "--count", "main..HEAD").stdout == "0\n"
    fenced = [event.data.operation for event in shop.events("write_fenced")]
    assert fenced == ["SortieReport", "SortieComplete", "CtkRenew", "CheckpointSave", "Guard"]
    assert shop.sortie("S1") == before
    prompt = shop.do("prime", by="stale")["prompt"]
    assert "Your session is over (lost)" in prompt
    assert f"ended at position {expired.position}; bo holds it now" in prompt


@step
def step_13_bo_completes_it_once_though_he_did_not_hear_the_answer(shop: Shop) -> None:
    assert shop.commit("bo", "src/db/models.py", by="S1").status == 0
    sha = git(shop.worktree("bo"), "rev-parse", "HEAD").stdout.strip()
    complete = ("sortie", "complete", "S1", "--summary", "schema", "--artifacts", sha, "--key", "bo-done-1")
    head, review = shop.head, shop.start("wait", "--for", "review:oauth", "--timeout", "60s", by="rey")
    assert shop.unheard(*complete, by="S1") == 141
    recorded = [event for event in shop.events(after=head) if event.type != "lease_renewed"]
    again = shop.run(*complete, by="S1")
    assert (again.status, again.replayed, again.data["status"]) == (0, True, "review")
    assert again.position >= recorded[-1].position
    assert {
        name: count for name, count in types(shop.events(after=head)).items() if name != "lease_renewed"
    } == {
        "sortie_progress": 1,
        "checkpoint_created": 1,
        "sortie_status_changed": 1,
        "lease_released": 2,
        "ctk_released": 1,
    }
    assert in_one_append(recorded)
    assert shop.do("ctk", "list", "--holder", "bo") == []
    [found] = shop.finish(review)
    assert found.data["found"]["sortie_id"] == "S1"


@step
def step_14_a_review_finds_fault_and_the_next_one_does_not(shop: Shop) -> None:
    issue = "src/db/models.py:40: missing unique index"
    reviewed = shop.do("review", "complete", "S1", "needs_changes", "--issue", issue, by="rey")
    assert (reviewed["status"], reviewed["assigned_to"], reviewed["strikes"]) == ("assigned", "bo", 1)
    [review] = shop.events("review_completed")
    [found] = review.data.issues
    assert (found.location, found.message) == ("src/db/models.py:40", "missing unique index")
    token = shop.do("sortie", "start", "S1", by="bo")["token"]
    assert token > shop.tokens["S1"]
    shop.tokens["S1"] = token
    shop.do("sortie", "complete", "S1", "--summary", "with the index", by="S1")
    approved = shop.do("review", "complete", "S1", "approved", by="rey")
    assert (approved["status"], approved["strikes"]) == ("completed", 1)
    assert [each["sortie_id"] for each in shop.do("sortie", "ready", "--mission", "oauth")] == ["S2"]
    assert shop.do("mission", "show", "oauth")["progress"] == 20


@step
def step_15_a_commit_of_what_another_holds_is_stopped_or_found(shop: Shop) -> None:
    shop.tokens["S2"] = shop.do("sortie", "claim", by="bo")["token"]
    shop.do("ctk", "reserve", "src/auth/token*.py", by="S2")
    tree = shop.worktree("cy")
    asked = shop.asked_of_old_hook
    stopped = shop.commit("cy", "src/web/ui/login.html", "src/auth/token.py")
    assert (stopped.status, shop.asked_of_old_hook) == (1, asked + 1)
    assert "src/auth/token.py is reserved by bo (src/auth/token*.py" in stopped.error["message"]
    assert shop.commit("cy", "src/auth/token.py", options=["--no-verify"]).status == 0
    found = shop.run("verify", "main..HEAD", at=tree)
    assert found.status == 10
    [checked] = found.data
    assert checked["uncovered"] == {"src/auth/token.py": "no lease that the commit names covers it"}
    assert len(checked["leases"]) == 1
    git(tree, "reset", "--hard", "main")
    assert shop.commit("cy", "src/web/ui/login.html").status == 0
    assert shop.run("verify", "main..HEAD", at=tree).status == 0
    assert shop.run("verify", "main..HEAD", at=shop.worktree("bo")).status == 0


@step
def step_16_a_clock_that_is_ten_minutes_fast_makes_nothing_expire(shop: Shop) -> None:
    head, before = shop.head, shop.fleet.view(LEASES).select().items
    with Fleet.open(shop.root, clock=ten_minutes_fast, timekeeper=shop.fleet.instant) as hers:
        token = shop.tokens["di"]
        sortie_create(hers, SortieCreate(title="Prepare the tests", id="S5-prep"))
        claimed = sortie_start(hers, SortieStart(token=token, sortie="S5-prep", ttl=300)).state
        [started] = shop.events("sortie_started", after=head)
        assert started.occurred_us > system_clock() + 500_000_000
        sortie_progress(hers, SortieReport(token=claimed.token, sortie="S5-prep", percent=10))
    assert claimed.expires_in_ms == 300_000
    assert {name for name in claimed.__struct_fields__ if "expire" in name or "until" in name} == {
        "expires_in_ms"
    }
    after = {lease.lease_id: lease for lease in shop.fleet.view(LEASES).select().items}
    assert {lease.token for lease in before} <= {lease.token for lease in after.values()}
    lease = after["claim:S5-prep"]
    assert 0 < (lease.due_at or 0) - read_clock(shop.fleet).steady <= 300_000_000
    shop.tokens["S5-prep"] = claimed.token


@step
def step_17_each_of_500_messages_is_seen_though_their_consumer_is_killed_twice(shop: Shop) -> None:
    storm = threading.Thread(target=write_500_messages, args=(shop.root, shop.tokens["cy"]))
    storm.start()
    pages = [*read_pages(shop, storm, kill_at=2), *read_pages(shop, storm, kill_at=2)]
    pages += read_pages(shop, storm)
    rows = [row for page in pages for row in page.messages]
    assert {f"storm {number}" for number in range(500)} <= {row.subject for row in rows}
    seen: set[str] = set()
    for row in rows:
        assert row.redelivered == (row.message_id in seen)
        seen.add(row.message_id)
    assert any(row.redelivered for row in rows)
    positions = [event.position for event in shop.events("squawk_sent", stream=("squawk", "bo"))]
    for page in pages:
        assert page.unread_total == sum(page.cursor < position <= page.tail for position in positions)
    assert rising(cursors(shop.fleet, "bo"))
    refusal = shop.refused(6, "squawk", "advance", str(positions[0]), by="bo")
    assert refusal["cursor"] == positions[-1]
    assert inbox(shop.fleet, InboxRequest(mailbox="bo")).unread_total == 0


def write_500_messages(root: Path, token: int) -> None:
    """What Cy does."""
    with Fleet.open(root) as fleet:
        for number in range(500):
            send(fleet, Send(token=token, to="bo", subject=f"storm {number}"))


def read_pages(shop: Shop, storm: threading.Thread, kill_at: int | None = None) -> list[Inbox]:
    """What a consumer is handed: until it is killed before it is done with a page, or until all is over."""
    consumer = shop.program("consumer.py", shop.root, shop.tokens["bo"])
    assert consumer.stdout is not None
    assert consumer.stdin is not None
    pages: list[Inbox] = []
    while True:
        over = not storm.is_alive()
        pages.append(msgspec.json.decode(consumer.stdout.readline(), type=Inbox))
        if len(pages) == kill_at:
            consumer.kill()
            return pages
        if over and not pages[-1].messages:
            return pages
        until(lambda: not storm.is_alive() or _unread(shop) >= len(pages[-1].messages) + PAGE)
        consumer.stdin.write("go on\n")
        consumer.stdin.flush()


def _unread(shop: Shop) -> int:
    return inbox(shop.fleet, InboxRequest(mailbox="bo", limit=1)).unread_total


PAGE: Final = 50
"""Messages worth another page, while more are to come."""


@step
def step_18_a_third_review_that_finds_fault_calls_the_coordinator_who_splits_the_sortie(shop: Shop) -> None:
    complete_all(shop, {"S2": "S2", "S4": "S4", "S5-prep": "S5-prep"})
    for strike in (1, 2, 3):
        token = sortie_start(shop.fleet, SortieStart(token=shop.tokens["di"], sortie="S3")).state.token
        sortie_complete(shop.fleet, SortieComplete(token=token, sortie="S3"))
        reviewed = shop.do(
            "review", "complete", "S3", "needs_changes", "--issue", "no state parameter", by="rey"
        )
        assert reviewed["strikes"] == strike
        assert reviewed["status"] == ("blocked" if strike == 3 else "assigned")
    [call] = [event for event in shop.events("squawk_sent") if event.data.message_type == "escalation"]
    assert (call.stream_id, call.data.priority, call.data.ack_required) == ("chi", "urgent", True)
    parts = [
        {"title": "Redirect", "files": ["src/auth/oauth_redirect.py"], "review": False},
        {"title": "Callback", "files": ["src/auth/oauth_callback.py", "src/web/routes.py"], "review": False},
    ]
    clashing = [parts[0], parts[1] | {"files": ["src/auth/oauth_*.py"]}]
    error = shop.refused(
        7, "sortie", "split", "S3", "--file", shop.file("s3.json", {"parts": clashing}), by="chi"
    )
    assert "src/auth/oauth_redirect.py" in error["message"]
    split = shop.do("sortie", "split", "S3", "--file", shop.file("s3.json", {"parts": parts}), by="chi")
    assert [part["sortie_id"] for part in split["parts"]] == ["S3.1", "S3.2"]
    assert (split["waves"], split["needed_by"]) == ([["S3.1", "S3.2"]], ["S5"])
    assert shop.sortie("S3").status == "cancelled"
    assert shop.sortie("S5").dependencies == ("S3.1", "S3.2", "S4")


def complete_all(shop: Shop, tokens: dict[str, str]) -> None:
    """Have sorties completed by those who hold these tokens."""
    for sortie, by in tokens.items():
        sortie_complete(shop.fleet, SortieComplete(token=shop.tokens[by], sortie=sortie))


@step
def step_19_the_mission_is_complete_and_the_log_can_tell_why(shop: Shop) -> None:
    for sortie, who in {"S3.1": "bo", "S3.2": "di", "S5": "cy"}.items():
        shop.tokens[sortie] = sortie_start(
            shop.fleet, SortieStart(token=shop.tokens[who], sortie=sortie)
        ).state.token
        complete_all(shop, {sortie: sortie})
    done = shop.do("mission", "complete", "oauth", "--summary", "users log in")
    assert (done["status"], done["progress"]) == ("completed", 100)
    then = ("--as-of", str(shop.marks["ready again"]))
    assert shop.do("status", *then)["head"] == shop.marks["ready again"]
    assert shop.do("lease", "list", "--holder", "ada", *then) == []
    assert [each["sortie_id"] for each in shop.do("sortie", "ready", *then)] == ["S1"]
    [completed] = shop.events("sortie_completed", stream=("sortie", "S1"))
    causes = [milestone(event) for event in shop.do("why", str(completed.position))["causes"]]
    passed = iter(causes)
    for expected in MILESTONES:
        assert expected in passed, (expected, causes)
    graph = fleet(shop.root, "why", str(shop.marks["plan"]), "--dot", "--limit", "100000").stdout
    edges = re.findall(r"e(\d+) -> e(\d+)", graph)
    assert edges
    assert all(int(cause) < int(effect) for cause, effect in edges)


MILESTONES: Final = (
    "mission_created",
    "sortie_created",
    "sortie_started by ada",
    "sortie_progress by ada",
    "sortie_status_changed: the claim of ada expired",
    "sortie_started by bo",
    "review_completed: needs_changes",
    "sortie_started by bo",
    "review_completed: approved",
)
"""What led to the end of S1, among other things."""


def milestone(event: dict[str, Any]) -> str:
    """An event in a few words."""
    data = event["data"]
    match event["type"]:
        case "sortie_started" | "sortie_progress":
            return f"{event['type']} by {data['specialist_id']}"
        case "sortie_status_changed":
            return f"{event['type']}: {data.get('reason')}"
        case "review_completed":
            return f"{event['type']}: {data['verdict']}"
    return str(event["type"])


@step
def step_20_the_figures_of_the_mission_are_those_of_the_story(shop: Shop) -> None:
    figures = shop.do("mission", "stats", "oauth")
    claims = [event for event in shop.events("lease_granted") if event.data.kind == "claim"]
    assert figures["claims"] == len(claims) - 1  # S5-prep is not of the mission
    names = ("claims_lost", "conflicts", "fenced_writes", "recoveries", "reviews", "review_strikes")
    assert [figures[name] for name in names] == [1, 1, 5, 1, 5, 4]
    assert figures["sorties"] == {"completed": 6, "cancelled": 1}
    assert figures["lead_time"]["count"] == 6
    assert figures["lead_time"]["p90_ms"] >= figures["lead_time"]["median_ms"] > 0


@step
def step_22_all_is_sound_and_a_flipped_byte_is_found(shop: Shop) -> None:
    # The server of the tests is fast because it is careless, and doctor says so.
    careless = {"postgres durability"} if shop.backend.dsn else set()
    found = {each["name"] for each in shop.run("doctor").data if each["status"] == "fail"}
    assert found == careless
    assert shop.run("store", "verify").status == 0
    assert unlike(shop.fleet) == []
    assert overlapping_holders(shop.fleet) == []
    known: set[str] = set()
    for event in shop.events():
        assert event.causation_id is None or event.causation_id in known, event
        known.add(event.id)
    touched = {e.position for e in shop.events() if tampering.WORDS.decode() in str(e.plain)}
    with tampering.one_byte_flipped(shop) as folder:
        damaged = shop.run("store", "verify", at=folder)
    assert damaged.status == 10
    assert touched <= {finding["position"] for finding in damaged.data["findings"]}


@step
def step_24_fleet_moves_out_and_leaves_its_history_behind(shop: Shop) -> None:
    head = shop.head
    shop.close()
    for who in BUILDERS[:3]:
        git(shop.root, "worktree", "remove", "--force", str(shop.worktree(who)))
    kept = shop.root.parent / "kept"
    shop.do("uninit", "--keep", str(kept))
    assert contents(shop.root / ".git" / "hooks") | contents(shop.root / ".git" / "info") == shop.hooks
    assert not (shop.root / ".fleet").exists()
    assert not (shop.root / "fleet.toml").exists()
    assert git(shop.root, "status", "--porcelain", "--ignored").stdout == ""
    variables = shop.backend.variables | {"FLEET_DIR": str(kept)}
    assert told(kept, "status", **variables)["head"] == head


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """The shop on a store, before anything has happened."""
    backend = Backend("sqlite")
    if request.param == "postgres":
        server: SharedServer = request.getfixturevalue("postgres")
        backend = Backend("postgres", server.dsn, server.schema())
    with open_shop(tmp_path, backend) as shop:
        yield shop


def test_every_step_of_the_story_leads_to_what_it_must(shop: Shop) -> None:
    for each in STORY:
        each(shop)
