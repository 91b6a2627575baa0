"""Full disks, I/O errors, interruptions: a clear error, no false acknowledgement, and the store goes on."""

from functools import partial
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as driver  # type: ignore[import-untyped]

from fleet_core.api import Batch, Damaged, FleetError, OutcomeUnknown, Stream, Unavailable
from fleet_core.testing.store_kit.base import in_thread
from fleet_sqlite.database import CORRUPT, FULL, IO_ERROR, LIBRARY_IS_SAFE, explained, fault, is_safe
from fleet_sqlite.settings import Settings
from sqlite_gates import Gate, queued, watched_by
from sqlite_stores import ONE, batch, event, open_sqlite, run_script

FILE_TOO_LARGE = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from fleet_core.api import OutcomeUnknown, Unavailable
from sqlite_stores import batch, open_sqlite
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_sqlite(Path(sys.argv[1]))
acknowledged = []
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
failure = None
while failure is None:
    try:
        acknowledged += store.append(batch("x" * 1000)).ids
    except Unavailable as error:
        failure = error
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert isinstance(failure, OutcomeUnknown), failure
assert len(failure.details["ids"]) == 1
assert "ids" in failure.remedy
read = [event.id for event in store.read()]
assert set(acknowledged) <= set(read) <= {{*acknowledged, *failure.details["ids"]}}
acknowledged += store.append(batch("after")).ids
read = [event.id for event in store.read()]
assert set(acknowledged) <= set(read)
assert store.verify().findings == [], store.verify().findings
store.close()
print("sound")
"""


def test_a_commit_that_fails_on_the_disk_leaves_the_outcome_open_and_the_store_usable(tmp_path: Path) -> None:
    assert run_script(FILE_TOO_LARGE, tmp_path) == "sound\n"


def test_a_full_disk_is_named_and_nothing_is_recorded(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path)
    store.append(batch("before"))
    database = store._connections._writer
    assert database is not None
    [(pages,)] = database.connection().execute("PRAGMA page_count").fetchall()
    database.connection().execute(f"PRAGMA max_page_count = {pages + 2}").fetchall()
    with pytest.raises(Unavailable, match=r"no space left.*nothing was recorded") as full:
        store.append(batch(*["x" * 3000] * 10))
    assert "free some space" in full.value.remedy
    assert [recorded.plain for recorded in store.read()] == ["before"]
    assert store.append(batch("after")).positions == [2]
    assert store.verify().findings == []
    store.close()


def sqlite_error(code: int, text: str = "as SQLite says it") -> Exception:
    error: Exception = driver.OperationalError(text)
    error.sqlite_errorcode = code  # type: ignore[attr-defined]
    return error


class FailOnce:
    """Lets one statement fail, once told to."""

    def __init__(self, statement: str, code: int) -> None:
        self._statement = statement
        self._code = code
        self.armed = False

    def __call__(self, sql: str) -> None:
        if self.armed and sql.startswith(self._statement):
            self.armed = False
            raise sqlite_error(self._code)


@pytest.mark.parametrize(
    ("statement", "code", "error"),
    [
        ("COMMIT", FULL, Unavailable),
        ("COMMIT", IO_ERROR, OutcomeUnknown),
        ("INSERT INTO events", FULL, Unavailable),
        ("INSERT INTO events", IO_ERROR, Unavailable),
        ("INSERT INTO events", CORRUPT, Damaged),
    ],
)
def test_a_failed_statement_is_told_and_the_next_append_works(
    tmp_path: Path, statement: str, code: int, error: type[FleetError]
) -> None:
    fail = FailOnce(statement, code)
    store = open_sqlite(tmp_path, connect=watched_by(fail))
    store.append(batch("before"))
    fail.armed = True
    with pytest.raises(error) as failed:
        store.append(Batch(ONE, [event("lost", id="lost")]))
    assert type(failed.value) is error
    assert failed.value.details.get("ids") == (["lost"] if error is OutcomeUnknown else None)
    assert store.append(batch("after")).versions == [2]
    assert store.append(Batch(ONE, [event("lost", id="lost")])).positions == [3]
    assert store.verify().findings == []
    store.close()


def test_a_commit_that_fails_for_a_group_tells_each_its_own_ids(tmp_path: Path) -> None:
    gate, fail = Gate(), FailOnce("COMMIT", IO_ERROR)

    def watch(sql: str) -> None:
        gate(sql)
        if gate.commits == commits + 2:
            fail.armed = True
        fail(sql)

    commits = 99
    store = open_sqlite(tmp_path, connect=watched_by(watch))
    commits = gate.commits
    gate.close()
    first = in_thread(lambda: store.append(batch("first")))
    gate.reached()
    results = []
    for number, name in enumerate(("a", "b"), 1):
        results.append(in_thread(partial(store.append, Batch(Stream("s", name), [event(name, id=name)]))))
        queued(store, number)
    gate.open()
    assert first().positions == [1]
    for name, result in zip(("a", "b"), results, strict=True):
        with pytest.raises(OutcomeUnknown) as unknown:
            result()
        assert unknown.value.details["ids"] == [name]
    store.close()


def test_an_interruption_while_writing_leaves_no_trace_and_no_lock(tmp_path: Path) -> None:
    def interrupt(sql: str) -> None:
        if sql == "COMMIT" and interrupted:
            interrupted.clear()
            raise KeyboardInterrupt

    interrupted: list[bool] = []
    store = open_sqlite(tmp_path, connect=watched_by(interrupt))
    interrupted.append(True)
    with pytest.raises(KeyboardInterrupt):
        store.append(batch("half"))
    assert store.head() == 0
    other = open_sqlite(tmp_path, Settings(busy_timeout=0.05))
    assert other.append(batch("whole")).positions == [1]
    other.close()
    assert store.append(batch("more")).positions == [2]
    store.close()


def test_a_read_that_fails_is_told_and_the_next_one_works(tmp_path: Path) -> None:
    fail = FailOnce("SELECT e.position", IO_ERROR)
    store = open_sqlite(tmp_path, connect=watched_by(fail))
    store.append(batch("here"))
    fail.armed = True
    with pytest.raises(Unavailable, match=r"look|could not use"):
        list(store.read())
    assert [recorded.plain for recorded in store.read()] == ["here"]
    store.close()


def test_the_cause_is_found_beneath_what_peewee_says() -> None:
    error = sqlite_error(1, "cannot rollback - no transaction is active")
    error.__context__ = sqlite_error(FULL, "database or disk is full")
    assert fault(error) == FULL
    ours = explained(error, Path("/project/.fleet/events.db"))
    assert ours is not None
    assert "no space left" in ours.message


def test_what_is_not_of_sqlite_is_left_as_it_is() -> None:
    assert explained(ValueError("mine"), Path("events.db")) is None
    assert explained(Unavailable("mine"), Path("events.db")) is None


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((4, 0, 0), True),
    ],
)
def test_libraries_that_can_damage_a_database_are_known(version: tuple[int, ...], safe: bool) -> None:
    assert is_safe(version) is safe


def test_the_library_in_use_is_a_safe_one() -> None:
    assert LIBRARY_IS_SAFE
