"""`fleet services`: what a project needs running beside it, such as a database server."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fleet_core.cli.render import json_option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from fleet_core.services import ServiceProvider, Services, ServiceStatus

T = TypeVar("T")
R = TypeVar("R")

TAIL: Final = 100
"""How many of a log's last lines are shown unless more are asked for."""

ALL: Final = "all"

DIGITS: Final = 9
"""As long as a number of lines may be; no log needs more."""


def _completions(context: click.Context, parameter: click.Parameter, text: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    from fleet_core.cli.opening import services_of

    return [CompletionItem(name) for name in services_of(context).names if name.startswith(text)]


services_argument = click.argument(
    "names",
    nargs=-1,
    metavar="[SERVICE]...",
    help="Which ones; by default all.",
    shell_complete=_completions,
)
service_argument = click.argument(
    "name",
    required=False,
    metavar="[SERVICE]",
    help="Which one; needed if several.",
    shell_complete=_completions,
)


@click.group()
def services() -> None:
    """Start, stop and look at services, such as a database.

    A service is a table [services.NAME] of fleet.toml, and its provider runs it; where fleet.toml has none,
    there is `postgres`, run by Podman. The event store is not opened: it may live in a service.

    \b
    Examples:
      fleet services up
      fleet services status
      fleet services psql -c 'select 1'
    """


@services.command()
@services_argument
@json_option
@click.pass_context
def up(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Start services, and wait until they answer.

    What runs already is left as it is, and data is kept from before. A service that can't be started does not
    keep the others from it. The URL that is shown holds no password; 'fleet services url' prints all of it.

    \b
    Examples:
      fleet services up
      fleet services up postgres --json
    """
    from fleet_core.cli.opening import services_of

    found = services_of(context)
    _start(context, found, names, found.up, as_json)


@services.command()
@services_argument
@json_option
@click.pass_context
def restart(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Stop services, if they run, and start them.

    \b
    Example:
      fleet services restart postgres
    """
    from fleet_core.cli.opening import services_of

    found = services_of(context)
    _start(context, found, names, found.restart, as_json)


def _start(
    context: click.Context,
    found: "Services",
    names: tuple[str, ...],
    start: "Callable[[str, Callable[[str], None]], ServiceStatus]",
    as_json: bool,
) -> None:
    from fleet_core.cli.waiting import waiting

    chosen = _chosen(found, names)

    def started(name: str) -> "ServiceStatus":
        with waiting(name, "starting", silent=as_json) as report:
            status = start(name, report)
        if not as_json:
            click.echo("" if name == chosen[0] else "\n", nl=False)
            _show_status(status)
        return status

    _finish(context, *_each(chosen, started, as_json), as_json)


@services.command()
@services_argument
@json_option
@click.pass_context
def down(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Stop services, and keep their data.

    \b
    Example:
      fleet services down
    """
    from fleet_core.cli.opening import services_of
    from fleet_core.cli.waiting import waiting

    found = services_of(context)

    def stopped(name: str) -> "ServiceStatus":
        with waiting(name, "stopping", silent=as_json):
            status = found.down(name)
        if not as_json:
            _say_stopped(status)
        return status

    _finish(context, *_each(_chosen(found, names), stopped, as_json), as_json)


def _say_stopped(status: "ServiceStatus") -> None:
    from fleet_core.cli.render import show

    if status.state == "absent":
        show(f"{status.service}: there is nothing to stop.")
    else:
        show(f"{status.service}: {status.state}; its data is kept.")


@services.command()
@services_argument
@json_option
@click.pass_context
def status(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Show what state services are in.

    absent: nothing of it exists; stopped: its data is kept; starting: it has not answered yet; ready: it
    answered a request just now; failing: it should answer, and does not; unknown: there is no way to tell.
    None of these is a failure of this command; stderr says what to do about it.

    \b
    Examples:
      fleet services status
      fleet services status postgres --json
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    from fleet_core.cli.opening import services_of

    found = services_of(context)
    chosen = _chosen(found, names)
    providers, broken = _each(chosen, found.provider, as_json)
    with ThreadPoolExecutor(len(chosen) or 1) as pool:  # each may take 2 seconds
        looks = [pool.submit(_look, each) for each in providers]
    seen, failed = _each(looks, Future.result, as_json)
    if not as_json:
        _show_statuses(seen)
    _finish(context, seen, broken or failed, as_json)


def _look(provider: "ServiceProvider") -> "ServiceStatus":
    return provider.status()


def _show_statuses(seen: "Sequence[ServiceStatus]") -> None:
    """One as a record, several as a table; what to do about them on stderr."""
    from fleet_core.cli.render import show

    if len(seen) == 1:
        _show_status(seen[0])
    elif seen:
        show(seen, columns=("service", "provider", "state", "version", "url", "detail"))
    for each in seen:
        _advise(each)


def _show_status(status: "ServiceStatus") -> None:
    import msgspec

    from fleet_core.cli.render import show

    record = msgspec.structs.asdict(status)
    facts, _ = record.pop("facts"), record.pop("remedy")
    show(record | facts)


def _advise(status: "ServiceStatus") -> None:
    from fleet_core.cli.opening import warn
    from fleet_core.cli.render import visible

    if status.state in ("failing", "unknown"):
        detail = ": ".join(filter(None, (f"{status.service} is {status.state}", status.detail)))
        warn(visible("; ".join(filter(None, (detail, status.remedy)))))
    elif status.remedy:
        click.echo(visible(f"{status.service}: {status.remedy}"), err=True)


@services.command()
@service_argument
@click.option("--since", metavar="TIME", help="Lines since this time; 10m is ten minutes ago.")
@click.option("--tail", metavar="N", help=f"The last N lines, or all.  [default: {TAIL}; with --since all]")
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines, until Ctrl-C or until it stops.")
@json_option
@click.pass_context
def logs(
    context: click.Context, name: str | None, since: str | None, tail: str | None, follow: bool, as_json: bool
) -> None:
    """Print what a service wrote to its log.

    Also of one that is stopped. With --follow and --json every line is a document of its own.

    \b
    Examples:
      fleet services logs
      fleet services logs postgres --tail all --since 10m
      fleet services logs --since 2026-01-02T10:21:32Z --follow
    """
    from fleet_core.cli.opening import services_of
    from fleet_core.cli.waiting import ending_when_unread
    from fleet_core.moments import parse_time
    from fleet_core.times import as_datetime, system_clock

    found = services_of(context)
    moment = as_datetime(parse_time(since, system_clock())) if since else None
    limit = _limit(tail or (ALL if since else str(TAIL)))
    provider = found.provider(_only(found, name))
    if follow:
        with ending_when_unread():
            _print_lines(provider.logs(tail=limit, since=moment, follow=True), as_json)
        return
    # One line more than wanted tells whether any is left out.
    lines = provider.logs(tail=None if limit is None else limit + 1, since=moment)
    _print_last(lines, limit, as_json)


def _limit(text: str) -> int | None:
    """How many lines a text asks for; None for all."""
    if text == ALL:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise click.BadParameter(f"{text!r} is neither a number of lines nor 'all'", param_hint="--tail")
    return int(text)


def _print_lines(lines: Iterable[str], as_json: bool) -> None:
    from fleet_core.cli.render import envelope, visible

    for line in lines:
        click.echo(envelope(line) if as_json else visible(line.expandtabs()))


def _print_last(lines: Iterator[str], tail: int | None, as_json: bool) -> None:
    from fleet_core.cli.render import envelope

    if tail is None and not as_json:
        _print_lines(lines, as_json)
        return
    found = list(lines)
    shown = found if tail is None else found[max(0, len(found) - tail) :]
    if as_json:
        click.echo(envelope(shown))
    else:
        _print_lines(shown, as_json)
    if len(shown) < len(found):
        click.echo("There are earlier lines; raise --tail to see them, or give 'all'.", err=True)


@services.command()
@services_argument
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def destroy(context: click.Context, names: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove services and all their data.

    Lists what will be removed and asks; --yes answers for a script. What is removed is gone for good.

    \b
    Examples:
      fleet services destroy --dry-run
      fleet services destroy postgres
    """
    from fleet_core.cli.opening import services_of

    found = services_of(context)
    chosen = _chosen(found, names)
    failed = 0
    if dry_run or not yes:
        _refuse_to_guess(asking=not dry_run, as_json=as_json)
        listed, failed = _each(chosen, lambda name: _belongings(found, name, as_json), as_json)
        if dry_run:
            return _finish(context, listed, failed, as_json)
        chosen = [each["service"] for each in listed if each["belongings"]]
        if chosen:
            click.confirm("Remove all of this for good?", abort=True, err=True)
    removed, unremoved = _each(chosen, lambda name: _destroyed(found, name, as_json), as_json)
    return _finish(context, removed, failed or unremoved, as_json)


def _refuse_to_guess(*, asking: bool, as_json: bool) -> None:
    from fleet_core.cli.render import is_terminal
    from fleet_core.errors import Usage

    if asking and (as_json or not is_terminal(sys.stdin)):
        raise Usage(
            "destroying services removes their data, and there is nobody to ask",
            remedy="'fleet services destroy --dry-run' lists what would be removed, --yes removes it",
        )


def _belongings(found: "Services", name: str, as_json: bool) -> dict[str, Any]:
    belongings = found.provider(name).belongings()
    if not as_json:
        _show_list(f"{name}:" if belongings else f"{name}: nothing of it exists.", belongings)
    return {"service": name, "belongings": belongings}


def _destroyed(found: "Services", name: str, as_json: bool) -> dict[str, Any]:
    from fleet_core.cli.waiting import waiting

    with waiting(name, "removing", silent=as_json):
        removed = found.destroy(name)
    if not as_json:
        _show_list(f"{name}: removed" if removed else f"{name}: there was nothing to remove.", removed)
    return {"service": name, "removed": removed}


def _show_list(heading: str, items: Sequence[str]) -> None:
    from fleet_core.cli.render import visible

    for line in (heading, *(f"  {item}" for item in items)):
        click.echo(visible(line))


@services.command()
@service_argument
@click.option("--no-password", is_flag=True, help="Leave the password out.")
@json_option
@click.pass_context
def url(context: click.Context, name: str | None, no_password: bool, as_json: bool) -> None:
    """Print where a service is, with its password.

    What is printed is a secret: hand it to a program, and keep it out of logs and histories.

    \b
    Examples:
      psql "$(fleet services url)"
      fleet services url postgres --no-password
    """
    from fleet_core.cli.opening import services_of
    from fleet_core.cli.render import show

    found = services_of(context)
    whole = found.provider(_only(found, name)).url()
    text = _without_password(whole) if no_password else whole
    show({"url": text} if as_json else text, as_json)


def _without_password(url: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=login.partition(":")[0] + at + host).geturl()


@services.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],
    }
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[SERVICE] [ARGUMENT]...")
@click.pass_context
def psql(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Run a service's client, such as psql, logged in.

    A first argument that is the name of a service chooses it; all others are the client's own. Its exit
    status becomes that of this command.

    \b
    Examples:
      fleet services psql
      fleet services psql -c 'select 1'
      fleet services psql postgres -At -f report.sql
    """
    from fleet_core.cli.opening import services_of
    from fleet_core.cli.waiting import leaving_interrupts_to_another
    from fleet_core.errors import Usage
    from fleet_core.services import Console

    found = services_of(context)
    named = arguments[:1] if arguments[:1] and arguments[0] in found.names else ()
    name = _only(found, *named)
    provider: ServiceProvider | Console = found.provider(name)
    if not isinstance(provider, Console):
        raise Usage(
            f"service {name}: its provider {found.provider_name(name)!r} has no client",
            remedy="'fleet services url' says where it is, for a client of yours",
        )
    with leaving_interrupts_to_another():
        status = provider.console(arguments[len(named) :])
    context.exit(status if status >= 0 else 128 - status)  # as a shell reports a signal


def _chosen(found: "Services", names: Iterable[str]) -> list[str]:
    chosen = found.named(names)
    if not chosen:
        click.echo("fleet.toml names no service.", err=True)
    return chosen


def _only(found: "Services", name: str | None = None) -> str:
    """The service that is named, or else the only one there is."""
    from fleet_core.errors import Usage

    if name is None and len(found.names) != 1:
        raise Usage(
            "which service?" if found.names else "fleet.toml names no service",
            remedy=f"available services: {', '.join(found.names)}"
            if found.names
            else "add [services.postgres]",
        )
    return found.named([name] if name is not None else [])[0]


def _each(things: Iterable[T], act: Callable[[T], R], as_json: bool) -> tuple[list[R], int]:
    """What became of each, and the exit status of the first that failed, or 0.

    An error is explained at once, and keeps nobody else from their turn.
    """
    from fleet_core.cli import explain

    done, failed = [], 0
    for each in things:
        try:
            done.append(act(each))
        except BrokenPipeError:
            raise
        except Exception as error:
            status = explain(error, as_json)
            failed = failed or status
    return done, failed


def _finish(context: click.Context, done: Sequence[Any], failed: int, as_json: bool) -> None:
    """End with the JSON of what was done, and with the status of what failed."""
    from fleet_core.cli.render import envelope

    if as_json and (done or not failed):
        click.echo(envelope(done))
    if failed:
        context.exit(failed)
