"""Several processes on one file, killed and forked: nothing acknowledged is lost, no database is locked."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fleet_core.api import Query, Stream, Unavailable
from fleet_core.projections import differences
from fleet_sqlite.settings import Settings
from fleet_sqlite.turnstile import Turnstile
from forking import processes
from sqlite_stores import batch, open_sqlite, run_script, tally
from sqlite_workers import DEADLINE, append_and_tell, append_many, open_append_close, run_all

KILLS = int(os.environ.get("FLEET_KILLS", "40"))


def test_what_was_acknowledged_survives_every_kill(tmp_path: Path) -> None:
    context, chance = processes(), random.Random(KILLS)
    acknowledged: list[str] = []
    for number in range(KILLS):
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=append_and_tell, args=(tmp_path, f"w{number % 3}", theirs))
        worker.start()
        theirs.close()
        for _ in range(chance.randrange(1, 25)):
            acknowledged.append(ours.recv_bytes().decode())
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join(DEADLINE)
        assert worker.exitcode == -signal.SIGKILL
        ours.close()
    store = open_sqlite(tmp_path)
    store.define([tally()])
    events = list(store.read())
    assert {event.id for event in events} >= set(acknowledged)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert store.verify().findings == []
    assert store.position("tallies") == len(events)
    assert differences(store, store, tally()) == []
    store.close()


def test_eight_processes_append_at_once_and_lose_nothing(tmp_path: Path) -> None:
    run_all(append_many, [(tmp_path, f"w{number}", 25) for number in range(8)])
    store = open_sqlite(tmp_path)
    for number in range(8):
        of_one = store.read(Query.of(streams=(Stream("worker", f"w{number}"),)))
        assert [event.plain for event in of_one] == [f"w{number} {count}" for count in range(25)]
    assert store.head() == 8 * 25 * 2
    assert store.verify().findings == []
    store.close()


def test_eight_processes_that_open_and_close_for_each_append_lose_nothing(tmp_path: Path) -> None:
    run_all(open_append_close, [(tmp_path, f"w{number}", 8) for number in range(8)])
    store = open_sqlite(tmp_path)
    assert {event.plain for event in store.read()} == {
        f"w{one} {two}" for one in range(8) for two in range(8)
    }
    assert [event.version for event in store.read()] == list(range(1, 65))
    assert store.verify().findings == []
    store.close()


def test_who_waits_too_long_for_other_writers_is_told_whom_to_look_for(tmp_path: Path) -> None:
    first = open_sqlite(tmp_path)
    script = """
import sys
from pathlib import Path
from fleet_core.api import Unavailable
from fleet_sqlite.settings import Settings
from sqlite_stores import batch, open_sqlite
store = open_sqlite(Path(sys.argv[1]), Settings(busy_timeout=0.05))
try:
    store.append(batch(1))
except Unavailable as error:
    print(error.message, "|", error.remedy)
store.close()
"""
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n" + script
    said: list[str] = []
    first._connections.transaction(lambda connection: said.append(run_script(script, tmp_path)))
    assert "kept events busy beyond the deadline" in said[0]
    assert "fuser" in said[0]
    first.append(batch(2))
    assert [event.plain for event in first.read()] == [2]
    first.close()


def test_a_program_that_knows_nothing_of_the_turnstile_is_waited_for_and_named(tmp_path: Path) -> None:
    stranger = open_sqlite(tmp_path)
    store = open_sqlite(tmp_path, Settings(busy_timeout=0.05))
    seen: list[Unavailable] = []

    def meanwhile(connection: object) -> None:
        with pytest.raises(Unavailable, match="another program keeps") as refused:
            store.append(batch(1))
        seen.append(refused.value)

    # Locks of the turnstile are those of a process, so that here SQLite's own lock is met.
    stranger._connections.transaction(meanwhile)
    assert seen[0].remedy.startswith("find it with 'fuser")
    assert store.append(batch(1)).positions == [1]
    stranger.close()
    store.close()


ENTER = """
import sys, time
from pathlib import Path
from fleet_sqlite.turnstile import Turnstile
turnstile = Turnstile(Path(sys.argv[1]))
print("here", flush=True)
turnstile.enter(time.monotonic() + 60)
print("in", flush=True)
sys.stdin.readline()
turnstile.leave()
"""


def _write_without_end(turnstile: Turnstile, deadline: float) -> None:
    while time.monotonic() < deadline:
        turnstile.leave()
        turnstile.enter(0)


def test_who_has_just_written_queues_behind_who_waits(tmp_path: Path) -> None:
    turnstile = Turnstile(tmp_path / "lock")
    turnstile.enter(0)
    command = [sys.executable, "-c", ENTER, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "here\n"
        deadline = time.monotonic() + DEADLINE
        with pytest.raises(Unavailable, match="busy"):
            _write_without_end(turnstile, deadline)
        assert other.stdout.readline() == "in\n"
        other.stdin.write("done\n")
        other.stdin.flush()
        turnstile.enter(deadline)
    turnstile.leave()
    turnstile.close()


def test_a_forked_child_is_refused_and_leaves_its_parent_alone(tmp_path: Path) -> None:
    script = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from fleet_core.api import Unavailable
from sqlite_stores import batch, open_sqlite
store = open_sqlite(Path(sys.argv[1]))
store.append(batch(1))
child = os.fork()
if child == 0:
    refused = 0
    for call in (lambda: store.append(batch(2)), store.head, lambda: list(store.read()), store.verify):
        try:
            call()
        except Unavailable as error:
            refused += "forked" in error.message
    store.close()
    own = open_sqlite(Path(sys.argv[1]))
    own.append(batch("of the child"))
    own.close()
    sys.exit(refused)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
store.append(batch("of the parent"))
print([event.plain for event in store.read()], store.verify().findings)
store.close()
"""
    assert run_script(script, tmp_path) == "[1, 'of the child', 'of the parent'] []\n"


JOIN = """
import sys
from pathlib import Path
from fleet_sqlite.turnstile import Turnstile
print(Turnstile(Path(sys.argv[1])).join(alone=False))
"""


def test_who_must_be_alone_keeps_others_out(tmp_path: Path) -> None:
    turnstile = Turnstile(tmp_path / "lock")
    assert turnstile.join(alone=True)
    assert run_script(JOIN, tmp_path / "lock") == "False\n"
    turnstile.close()
    assert run_script(JOIN, tmp_path / "lock") == "True\n"


def test_an_old_library_is_refused_beside_another_process(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from fleet_core.api import Unavailable
from fleet_sqlite import connections
from sqlite_stores import open_sqlite
connections.LIBRARY_IS_SAFE = False
try:
    open_sqlite(Path(sys.argv[1])).close()
    print("alone")
except Unavailable as error:
    print(error.message, "|", error.remedy)
"""
    store = open_sqlite(tmp_path)
    said = run_script(script, tmp_path)
    assert "open in another process" in said
    assert "pip install --upgrade pysqlite3" in said
    store.close()
    assert run_script(script, tmp_path) == "alone\n"
