"""`fleet services`: every verb, what people and programs see of it, and how it ends."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import IO, Any

import pytest

from installing import FLEET, HERE, environment
from sites import Answer, Site
from toy_services import becomes, stopping

PATIENCE = 30
"""Seconds after which something that should have happened has not."""

LINES = '[services.lines]\nprovider = "toy"\n'
MORE = '[services.more]\nprovider = "mute"\n'
STUCK = LINES + 'gate = "/nowhere"\n'
NO_ENGINE = LINES + 'engine = "/nowhere"\n'


@pytest.fixture
def site(project: Site) -> Iterator[Site]:
    """A project with one service, a toy; its toys are stopped afterwards."""
    configure(project, LINES)
    with stopping(project.root):
        yield project


def configure(site: Site, text: str) -> None:
    (site.root / "fleet.toml").write_text(text)


def services(site: Site, *arguments: str) -> Answer:
    return site.run("services", *arguments)


def settings_of(site: Site, **variables: str) -> dict[str, Any]:
    """How to start a process in a project."""
    return {
        "cwd": site.root,
        "env": environment(site.installed, HERE, HOME=str(site.root), **variables),
        "text": True,
    }


def process(site: Site, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [FLEET, "services", *arguments],
        **settings_of(site),
        **{"capture_output": True, "timeout": PATIENCE, "check": False, **options},
    )


@contextmanager
def started(site: Site, *arguments: str, **options: Any) -> "Iterator[subprocess.Popen[str]]":
    """A command that is still running."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = subprocess.Popen([FLEET, "services", *arguments], **settings_of(site), **(pipes | options))
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().rstrip("\n")


# up, down, restart


def test_up_shows_where_the_service_is_and_no_password(site: Site) -> None:
    answer = services(site, "up")
    assert answer.status == 0
    record = dict(re.split(r":\s+", line, maxsplit=1) for line in answer.out.splitlines())
    assert record.keys() == {"Service", "Provider", "State", "Url", "Version", "Folder"}
    assert (record["Service"], record["State"], record["Version"]) == ("lines", "ready", "1.5")
    assert re.fullmatch(r"toy://keeper@127\.0\.0\.1:\d+/lines", record["Url"])


def test_up_of_what_is_up_says_the_same_again(site: Site) -> None:
    first, second = services(site, "up"), services(site, "up")
    assert (second.status, second.out) == (0, first.out)


def test_up_says_on_stderr_what_is_waited_for(site: Site) -> None:
    assert services(site, "up").err.splitlines() == [
        "lines: starting a server",
        "lines: waiting for an answer",
    ]


def test_programs_get_a_list_of_states_and_no_talk(site: Site) -> None:
    for verb in ("up", "restart", "status", "down"):
        answer = services(site, verb, "--json")
        assert (answer.status, answer.err) == (0, "")
        (state,) = answer.data
        assert (state["service"], state["provider"]) == ("lines", "toy")
        assert state["state"] == ("stopped" if verb == "down" else "ready")
    assert set(state) == {"service", "provider", "state", "detail", "remedy", "url", "version", "facts"}


def test_down_stops_it_and_keeps_its_data(site: Site) -> None:
    services(site, "up")
    assert process(site, "psql", "add", "hello").stdout == "ok\n"
    assert services(site, "down").out == "lines: stopped; its data is kept.\n"
    services(site, "up")
    assert process(site, "psql", "all").stdout == "hello\n"


def test_down_of_what_is_absent_stops_nothing(site: Site) -> None:
    answer = services(site, "down")
    assert (answer.status, answer.out) == (0, "lines: there is nothing to stop.\n")


def test_restart_starts_a_new_server_with_the_old_data(site: Site) -> None:
    services(site, "up")
    process(site, "psql", "add", "hello")
    before = (site.root / ".fleet" / "toy-lines" / "process").read_text()
    assert services(site, "restart").status == 0
    assert (site.root / ".fleet" / "toy-lines" / "process").read_text() != before
    assert process(site, "psql", "all").stdout == "hello\n"


def test_all_services_come_up_unless_some_are_named(site: Site) -> None:
    configure(site, LINES + MORE)
    services(site, "up", "more")
    assert [each["state"] for each in services(site, "status", "--json").data] == ["absent", "ready"]
    answer = services(site, "up")
    assert re.findall(r"^Service: +(\w+)$", answer.out, re.MULTILINE) == ["lines", "more"]
    assert "\n\nService:" in answer.out


@pytest.mark.parametrize("order", [STUCK + MORE, MORE + STUCK])
def test_a_service_that_fails_does_not_stop_the_others(site: Site, order: str) -> None:
    configure(site, order.replace('gate = "/nowhere"', 'engine = "/nowhere"'))
    answer = services(site, "up", "--json")
    assert answer.status == 8
    assert [each["service"] for each in answer.data] == ["more"]
    assert json.loads(answer.err)["error"]["fault"] == "no-engine"


def test_a_provider_with_a_bug_is_named_and_does_not_stop_the_others(site: Site) -> None:
    configure(site, '[services.bad]\nprovider = "crashing"\n' + LINES)
    for verb in ("up", "status", "down"):
        answer = services(site, verb)
        assert answer.status == 1
        assert "Error: ZeroDivisionError: no toys: this is a bug in toys 1.0" in answer.err
        assert "lines" in answer.out


def test_the_first_failure_gives_the_exit_status(site: Site) -> None:
    configure(site, NO_ENGINE + '[services.bad]\nprovider = "nothing"\n')
    answer = services(site, "up")
    assert (answer.status, answer.err.count("Error:")) == (8, 2)


def test_a_failure_alone_gives_programs_nothing_to_read(site: Site) -> None:
    configure(site, NO_ENGINE)
    answer = services(site, "up", "--json")
    assert (answer.status, answer.out) == (8, "")


def test_a_fault_shows_the_remedy_and_the_engines_own_words(site: Site) -> None:
    configure(site, STUCK + "timeout = 0.5\n")
    answer = services(site, "up")
    assert answer.status == 8
    assert answer.err.splitlines()[2:] == [
        "Error: service lines: it gave no answer within 0.5 s",
        "       starting",
        "Next:  fleet services logs lines",
    ]


def test_a_table_that_does_not_fit_is_refused_with_its_place(site: Site) -> None:
    configure(site, LINES + "prot = 1\n")
    answer = services(site, "up")
    assert answer.status == 7
    assert "[services.lines]: Object contains unknown field `prot`" in answer.err


@pytest.mark.parametrize("verb", ["up", "down", "restart", "status", "logs", "url"])
def test_an_unknown_service_is_not_found_and_nothing_is_done(site: Site, verb: str) -> None:
    names = ("lines", "line") if verb in ("up", "down", "restart", "status") else ("line",)
    answer = services(site, verb, *names)
    assert (answer.status, answer.out) == (3, "")
    assert "Error: no service is called 'line'\nNext:  available services: lines" in answer.err
    assert not (site.root / ".fleet" / "toy-lines").exists()


def test_destroying_an_unknown_service_is_not_found_before_anything_is_removed(site: Site) -> None:
    services(site, "up")
    assert services(site, "destroy", "--yes", "lines", "line").status == 3
    assert services(site, "status", "--json").data[0]["state"] == "ready"


def test_without_a_project_there_is_no_service(outside: Site) -> None:
    answer = outside.run("services", "up")
    assert answer.status == 3
    assert "belongs to no fleet project" in answer.err


def test_a_project_may_have_no_service_at_all(site: Site) -> None:
    configure(site, "services = {}\n")
    for verb in ("up", "status", "down"):
        assert services(site, verb) == (0, "", "fleet.toml names no service.\n")
    assert services(site, "logs").status == 2


def test_eight_processes_at_once_bring_up_one_service(site: Site) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: process(site, "up", "--json"), range(8)))
    assert [each.returncode for each in done] == [0] * 8
    assert len({each.stdout for each in done}) == 1


# status


def test_status_of_one_service_is_a_record(site: Site) -> None:
    answer = services(site, "status")
    assert answer == (0, "Service:   lines\nProvider:  toy\nState:     absent\n", "")


def test_status_of_several_services_is_a_table(site: Site) -> None:
    configure(site, LINES + MORE)
    services(site, "up", "more")
    rows = services(site, "status").rows
    assert [row[:3] for row in rows] == [["lines", "toy", "absent"], ["more", "toy", "ready"]]


def test_status_without_an_engine_warns_with_the_remedy_and_is_no_failure(site: Site) -> None:
    configure(site, NO_ENGINE)
    answer = services(site, "status")
    assert answer.status == 0
    assert "State:     unknown" in answer.out
    assert answer.err == "warning: lines is unknown: there is no engine; install one\n"


def test_programs_find_the_remedy_in_the_state(site: Site) -> None:
    configure(site, NO_ENGINE)
    answer = services(site, "status", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert answer.data[0]["remedy"] == "install one"


@pytest.mark.parametrize("verb", ["up", "status", "logs", "down"])
def test_a_store_that_can_not_be_opened_is_in_nobodys_way(site: Site, verb: str) -> None:
    configure(site, '[store]\nbackend = "paper"\n' + LINES)
    services(site, "up")
    assert services(site, verb).status == 0


def test_no_verb_imports_a_store(site: Site) -> None:
    code = (
        "import sys\nfrom fleet_core.cli import run\n"
        "for verb in ('up', 'status', 'logs', 'url', 'restart', 'down', 'destroy'):\n"
        "    assert run(['services', verb, *(['--yes'] if verb == 'destroy' else [])]) == 0\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], **settings_of(site), capture_output=True, timeout=PATIENCE, check=True
    )
    imported = set(re.findall(r"'(\w+)'", done.stderr.splitlines()[-1]))
    assert {"fleet_core", "toy_services"} <= imported
    assert imported.isdisjoint({"peewee", "pysqlite3", "sqlite3", "fleet_sqlite", "psycopg", "sh"})


# logs


def test_logs_show_the_last_lines_also_of_a_stopped_service(site: Site) -> None:
    services(site, "up")
    services(site, "down")
    assert services(site, "logs") == (0, "starting\nready\n", "")


def test_logs_say_when_earlier_lines_are_left_out(site: Site) -> None:
    services(site, "up")
    answer = services(site, "logs", "--tail", "1")
    assert answer.out == "ready\n"
    assert answer.err == "There are earlier lines; raise --tail to see them, or give 'all'.\n"
    assert services(site, "logs", "--tail", "2") == (0, "starting\nready\n", "")
    assert services(site, "logs", "--tail", "0").out == ""


def write_log(site: Site, *lines: str) -> None:
    folder = site.root / ".fleet" / "toy-lines"
    folder.mkdir(exist_ok=True)
    (folder / "log").write_text("".join(f"{line}\n" for line in lines))


def test_logs_end_after_a_hundred_lines_unless_more_are_wanted(site: Site) -> None:
    write_log(site, *(f"1.0 n{number}" for number in range(150)))
    assert services(site, "logs").out.splitlines() == [f"n{number}" for number in range(50, 150)]
    assert len(services(site, "logs", "--tail", "all").out.splitlines()) == 150
    assert len(services(site, "logs", "--since", "1970-01-01").out.splitlines()) == 150


def test_logs_since_a_time_are_those_of_that_time_and_later(site: Site) -> None:
    write_log(site, "1767348092 old", "1767348093 new")
    assert services(site, "logs", "--since", "2026-01-02T10:01:33Z").out == "new\n"
    assert services(site, "logs", "--since", "1h").out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--since", "soon"), "'soon' is not a time"),
        (("--tail", "few"), "'few' is neither a number of lines nor 'all'"),
        (("--tail", "-1"), "'-1' is neither a number of lines nor 'all'"),
    ],
)
def test_limits_that_are_none_are_refused(site: Site, arguments: tuple[str, ...], message: str) -> None:
    answer = services(site, "logs", *arguments)
    assert answer.status == 2
    assert message in answer.err


def test_what_a_log_holds_never_reaches_the_terminal_as_commands(site: Site) -> None:
    write_log(site, "1.0 a\tb\x1b[2J")
    assert services(site, "logs").out == "a       b\\x1b[2J\n"


def test_programs_get_the_lines_of_a_log_as_a_list(site: Site) -> None:
    write_log(site, "1.0 a\tb", "1.0 c")
    assert services(site, "logs", "--json").data == ["a\tb", "c"]


def test_logs_of_what_is_absent_are_not_found(site: Site) -> None:
    answer = services(site, "logs")
    assert (answer.status, answer.out) == (3, "")
    assert "Next:  fleet services up" in answer.err


def test_one_of_several_services_must_be_named(site: Site) -> None:
    configure(site, LINES + MORE)
    for verb in ("logs", "url", "psql"):
        answer = services(site, verb)
        assert answer.status == 2
        assert "Next:  available services: lines, more" in answer.err
    services(site, "up", "more")
    assert services(site, "logs", "more").status == 0


@pytest.fixture
def running(site: Site) -> Site:
    """A project whose service is up."""
    assert services(site, "up").status == 0
    return site


def test_followers_see_what_comes_until_the_service_stops(running: Site) -> None:
    with started(running, "logs", "--follow", "--tail", "1") as follower:
        assert line_of(follower.stdout) == "ready"
        process(running, "psql", "add", "hello")
        assert line_of(follower.stdout) == "added hello"
        services(running, "down")
        rest = follower.communicate(timeout=PATIENCE)
    assert (follower.returncode, rest) == (0, ("", ""))


def test_programs_that_follow_get_a_document_for_each_line(running: Site) -> None:
    with started(running, "logs", "--follow", "--json") as follower:
        assert [json.loads(line_of(follower.stdout))["data"] for _ in range(2)] == ["starting", "ready"]


def test_ctrl_c_ends_following_quietly(running: Site) -> None:
    with started(running, "logs", "--follow") as follower:
        line_of(follower.stdout)
        follower.send_signal(signal.SIGINT)
        _, err = follower.communicate(timeout=PATIENCE)
    assert (follower.returncode, err) == (130, "")


def test_following_ends_when_nobody_reads_though_nothing_happens(running: Site) -> None:
    near, far = os.pipe()
    with started(running, "logs", "--follow", stdout=far) as follower:
        os.close(far)
        with os.fdopen(near) as reader:
            reader.readline()
        _, err = follower.communicate(timeout=PATIENCE)
    assert (follower.returncode, err) == (141, "")


def test_following_into_a_closed_output_ends(running: Site) -> None:
    command = f"{FLEET} services logs --follow >&-"
    done = subprocess.run(["bash", "-c", command], **settings_of(running), timeout=PATIENCE, check=False)
    assert done.returncode == 141


def test_a_closed_pipe_ends_a_long_log_quietly(site: Site) -> None:
    write_log(site, *(f"1.0 {'n' * 1000}" for _ in range(2000)))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{FLEET} services logs --tail all | head -1"],
        **settings_of(site),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (141, "")


# destroy


def test_a_dry_run_shows_what_would_go_and_removes_nothing(running: Site) -> None:
    answer = services(running, "destroy", "--dry-run", "--yes")
    assert (answer.status, answer.out) == (0, "lines:\n  folder toy-lines, with all lines\n")
    assert services(running, "status", "--json").data[0]["state"] == "ready"


def test_programs_see_what_would_go_and_what_went(running: Site) -> None:
    belongings = ["folder toy-lines, with all lines"]
    shown = services(running, "destroy", "--dry-run", "--json")
    assert shown.data == [{"service": "lines", "belongings": belongings}]
    gone = services(running, "destroy", "--yes", "--json")
    assert gone.data == [{"service": "lines", "removed": belongings}]


def test_nothing_is_left_of_a_destroyed_service(running: Site) -> None:
    answer = services(running, "destroy", "--yes")
    assert (answer.status, answer.out) == (0, "lines: removed\n  folder toy-lines, with all lines\n")
    assert services(running, "status", "--json").data[0]["state"] == "absent"
    assert services(running, "destroy", "--yes").out == "lines: there was nothing to remove.\n"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_where_nobody_can_be_asked_nothing_is_removed(running: Site, options: tuple[str, ...]) -> None:
    done = process(running, "destroy", *options, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--yes removes it" in done.stderr
    assert services(running, "status", "--json").data[0]["state"] == "ready"


def answering(site: Site, answer: str) -> "subprocess.CompletedProcess[str]":
    """`fleet services destroy`, with somebody at the terminal who types."""
    near, far = pty.openpty()
    os.write(near, answer.encode())
    try:
        return process(site, "destroy", stdin=far)
    finally:
        os.close(near)
        os.close(far)


def test_who_says_yes_has_it_removed(running: Site) -> None:
    done = answering(running, "y\n")
    assert done.returncode == 0
    assert done.stdout.startswith("lines:\n  folder toy-lines, with all lines\n")
    assert "Remove all of this for good? [y/N]:" in done.stderr
    assert services(running, "status", "--json").data[0]["state"] == "absent"


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_who_does_not_say_yes_keeps_it(running: Site, answer: str) -> None:
    done = answering(running, answer)
    assert done.returncode == 1
    assert "stopped: the question was not answered with yes" in done.stderr
    assert services(running, "status", "--json").data[0]["state"] == "ready"


def test_nobody_is_asked_about_nothing(site: Site) -> None:
    done = answering(site, "n\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "lines: nothing of it exists.\n", "")


# url and psql


def test_the_url_holds_the_password_and_lets_in(running: Site) -> None:
    password = (running.root / ".fleet" / "toy-lines" / "password").read_text()
    url = services(running, "url").out
    assert re.fullmatch(rf"toy://keeper:{password}@127\.0\.0\.1:\d+/lines\n", url)
    assert services(running, "url", "--json").data == {"url": url.strip()}


def test_the_url_without_password_is_the_one_that_status_shows(running: Site) -> None:
    bare = services(running, "url", "--no-password").out.strip()
    assert bare == services(running, "status", "--json").data[0]["url"]


def test_no_other_verb_shows_the_password(running: Site) -> None:
    password = (running.root / ".fleet" / "toy-lines" / "password").read_text()
    for arguments in (("up",), ("up", "--json"), ("status", "--json"), ("logs",), ("destroy", "--yes")):
        answer = services(running, *arguments)
        assert password not in answer.out + answer.err


def test_a_client_gets_all_further_arguments_and_gives_its_exit_status(running: Site) -> None:
    assert process(running, "psql", "add", "a", "-c", "--json", "-h").stdout == "ok\n"
    assert process(running, "psql", "lines", "all").stdout == "a -c --json -h\n"
    failed = process(running, "psql", "bogus")
    assert (failed.returncode, failed.stdout) == (3, "error: what is bogus?\n")


def test_a_client_may_be_given_options_first(running: Site) -> None:
    done = process(running, "psql", "-Atc", "select 1")
    assert done.stdout == "error: what is -Atc?\n"


def test_a_client_has_its_own_help_after_a_service(running: Site) -> None:
    assert "Usage: fleet services psql" in process(running, "psql", "--help").stdout
    assert process(running, "psql", "lines", "--help").stdout == "error: what is --help?\n"


def test_a_provider_without_a_client_says_so(site: Site) -> None:
    configure(site, MORE)
    answer = services(site, "psql", "-c", "select 1")
    assert answer.status == 2
    assert "service more: its provider 'mute' has no client" in answer.err
    assert "fleet services url" in answer.err


def test_ctrl_c_is_for_the_client(running: Site) -> None:
    with started(running, "psql", "hold", stdin=subprocess.PIPE, start_new_session=True) as client:
        assert line_of(client.stdout) == "holding"
        os.killpg(client.pid, signal.SIGINT)
        out, err = client.communicate(timeout=PATIENCE)
    assert (client.returncode, out, err) == (7, "interrupted\n", "")


# What is seen while waiting


def test_ctrl_c_while_waiting_says_what_was_waited_for(site: Site) -> None:
    configure(site, STUCK)
    with started(site, "up") as command:
        assert [line_of(command.stderr) for _ in range(2)][1] == "lines: waiting for an answer"
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=PATIENCE)
    assert (command.returncode, out) == (130, "")
    assert (
        err == "Interrupted at lines: waiting for an answer. 'fleet services status' says where it stands.\n"
    )


@contextmanager
def at_a_terminal(site: Site, *arguments: str, **variables: str) -> Iterator[int]:
    """A command whose stderr is a terminal of 40 columns; gives our end of it."""
    near, far = pty.openpty()
    settings = settings_of(site, TERM="xterm", COLUMNS="40") | {}
    settings["env"] |= variables
    with subprocess.Popen(
        [FLEET, "services", *arguments], **settings, stdout=subprocess.DEVNULL, stderr=far
    ) as command:
        os.close(far)
        try:
            yield near
        finally:
            command.kill()
            os.close(near)


def shown(near: int, until: str = "") -> str:
    """What a terminal has shown when a text appears, or else when the command has ended."""
    text = ""
    while select.select([near], [], [], PATIENCE)[0]:
        with suppress(OSError):  # the other end is closed
            read = os.read(near, 1000).decode()
            text += read
            if read and not (until and until in text):
                continue
        return text
    raise AssertionError(f"nothing more after {text!r}")


def test_a_terminal_shows_what_is_waited_for_and_for_how_long(site: Site) -> None:
    configure(site, STUCK)
    with at_a_terminal(site, "up") as near:
        assert "\r\x1b[Klines: waiting for an answer (1 s)" in shown(near, "(1 s)")


def test_a_terminal_shows_nothing_of_the_waiting_once_it_is_over(site: Site) -> None:
    with at_a_terminal(site, "up") as near:
        text = shown(near)
    assert "lines: " in text
    assert "\n" not in text
    assert text.endswith("\r\x1b[K")


def test_an_error_stands_on_a_line_of_its_own(site: Site) -> None:
    configure(site, STUCK + "timeout = 0.5\n")
    with at_a_terminal(site, "up", NO_COLOR="1") as near:
        assert "\r\x1b[KError: service lines: it gave no answer" in shown(near)


def test_a_line_never_wraps(site: Site) -> None:
    configure(site, STUCK.replace("services.lines", f"services.{'long' * 20}"))
    with at_a_terminal(site, "up") as near:
        drawn = shown(near, "\r\x1b[Klong").split("\r\x1b[K")
    assert max(map(len, drawn)) == 39


def test_a_terminal_that_can_not_erase_gets_plain_lines(site: Site) -> None:
    with at_a_terminal(site, "up", TERM="dumb") as near:
        assert shown(near) == "lines: starting a server\r\nlines: waiting for an answer\r\n"


def test_a_program_at_a_terminal_sees_nothing_of_the_waiting(site: Site) -> None:
    with at_a_terminal(site, "up", "--json") as near:
        assert shown(near) == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_streams_that_were_closed_before_are_no_failure(site: Site, closed: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{FLEET} services up {closed}"],
        **settings_of(site),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr


# Around it


def test_names_of_services_are_completed(site: Site) -> None:
    configure(site, LINES + MORE)
    variables = {"_FLEET_COMPLETE": "bash_complete", "COMP_WORDS": "fleet services up l", "COMP_CWORD": "3"}
    done = subprocess.run(
        [FLEET], **settings_of(site, **variables), capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.stdout == "plain,lines\n"


def checks(site: Site) -> dict[str, tuple[str, str, str]]:
    """What doctor says of services: status, detail and remedy."""
    return {
        each["name"]: (each["status"], each["detail"], each["remedy"])
        for each in site.run("doctor", "--json").data
        if each["name"].startswith("service ")
    }


def test_doctor_says_nothing_of_services_that_nobody_wanted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(site, "")
    monkeypatch.setenv("PATH", "")
    assert checks(site) == {}


def test_doctor_says_what_state_services_are_in(site: Site) -> None:
    configure(site, LINES + MORE)
    services(site, "up", "more")
    assert checks(site) == {"service lines": ("ok", "absent", ""), "service more": ("ok", "ready", "")}


def test_doctor_fails_for_a_service_that_should_answer_and_does_not(running: Site) -> None:
    pid = int((running.root / ".fleet" / "toy-lines" / "process").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    assert becomes(lambda: services(running, "status", "--json").data[0]["state"] == "failing")
    assert checks(running) == {
        "service lines": ("fail", "failing: its process is gone", "fleet services up lines")
    }
    assert running.run("doctor").status == 10


def test_doctor_warns_of_an_engine_that_is_missing(site: Site) -> None:
    configure(site, NO_ENGINE)
    assert checks(site) == {"service lines": ("warn", "unknown: there is no engine", "install one")}


def test_doctor_fails_for_a_provider_that_can_not_be_made(site: Site) -> None:
    configure(site, '[services.lines]\nprovider = "nothing"\n')
    status, detail, remedy = checks(site)["service lines"]
    assert status == "fail"
    assert "offers nothing under that name" in detail
    assert remedy


def test_doctor_looks_at_services_though_the_store_does_not_open(site: Site) -> None:
    configure(site, '[store]\nbackend = "paper"\n' + LINES)
    assert checks(site) == {"service lines": ("ok", "absent", "")}


def test_the_settings_of_a_provider_are_shown_with_the_table_they_belong_to(site: Site) -> None:
    answer = site.run("plugins", "show", "providers:podman")
    assert "[services.NAME]" in answer.out
