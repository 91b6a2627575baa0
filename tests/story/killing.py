"""Killing a command of fleet in the middle of its append, on either store."""

import subprocess

import psycopg

from story.shop import DEADLINE, Shop, until


def kill_in_mid_append(shop: Shop, *arguments: str, by: str) -> None:
    """Start a command, and kill it (SIGKILL) when its events are on their way and not recorded."""
    kill = _kill_on_server if shop.backend.dsn else _kill_on_sqlite
    kill(shop, *arguments, "--token", str(shop.tokens[by]))


def _kill_on_sqlite(shop: Shop, *arguments: str) -> None:
    command = shop.program("stuck.py", *arguments)
    assert command.stdout is not None
    assert command.stdout.readline() == "events are written\n"
    _kill(command)


def _kill_on_server(shop: Shop, *arguments: str) -> None:
    """Have the append wait for a lock. Once it is free, the server goes on with what it has heard, or not."""
    with psycopg.connect(shop.backend.dsn, autocommit=True) as watch:
        with psycopg.connect(shop.backend.dsn) as door:
            door.execute(f"LOCK TABLE {shop.backend.schema}.events IN EXCLUSIVE MODE")
            command = shop.start(*arguments)
            until(lambda: bool(_waiting(watch, shop)))
            [backend] = _waiting(watch, shop)
            _kill(command)
        until(lambda: not watch.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (backend,)).fetchall())


def _waiting(watch: "psycopg.Connection[tuple[int]]", shop: Shop) -> list[int]:
    """The servers' processes that wait for the table of events."""
    asked = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
    return [pid for (pid,) in watch.execute(asked, (f"{shop.backend.schema}.events",)).fetchall()]


def _kill(command: "subprocess.Popen[str]") -> None:
    assert command.poll() is None
    command.kill()
    command.communicate(timeout=DEADLINE)
