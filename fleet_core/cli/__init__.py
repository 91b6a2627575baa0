"""The `fleet` command: runs the lazy group, and turns what goes wrong into a message and an exit status."""

import errno
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import click

from fleet_core.cli.group import fleet
from fleet_core.errors import Exit, FleetError, Usage

PIPE_CLOSED: Final = 141
"""Exit status when the reader of our output went away, as the shell reports it of anything that SIGPIPE ends.

The signal itself stays ignored: it would also end a server whose client hangs up.
"""

GARBAGE: Final = 100_000
"""Objects more before Python looks for garbage. What a command imports lives as long as it does; looking
through it, on the way in and again on the way out, took a fifth of a short command's time.
"""

DISK_TROUBLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a system call says that is nobody's bug, even when it names no file."""


def main() -> NoReturn:
    """Run the command line of this process, and exit."""
    gc.set_threshold(GARBAGE)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character is no reason to fail.
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    status = run(sys.argv[1:])
    gc.freeze()
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; every error has been explained on stderr by then."""
    try:
        return _run(list(arguments))
    except BrokenPipeError:
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    finally:
        _give_up_closed_output()


def _run(arguments: list[str]) -> int:
    instruction = os.environ.get("_FLEET_COMPLETE")
    if instruction:
        return _complete(instruction)
    try:
        status = _invoke(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except Exception as error:
        return explain(error, as_json="--json" in arguments)
    return status


def _invoke(arguments: list[str]) -> int:
    try:
        with fleet.make_context("fleet", arguments or ["--help"], color=_colour(os.environ)) as context:
            fleet.invoke(context)
    except click.exceptions.Exit as wanted:
        return wanted.exit_code
    return Exit.OK


def _complete(instruction: str) -> int:
    from click.shell_completion import shell_complete

    try:
        return shell_complete(fleet, {}, "fleet", "_FLEET_COMPLETE", instruction)
    except Exception:  # a broken plugin: there is nothing to propose, and a prompt is no place for messages
        return Exit.FAILED


def _colour(environ: Mapping[str, str]) -> bool | None:
    """Whether to write in colour (https://no-color.org, https://force-color.org); None: on a terminal."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return False if environ.get("TERM") == "dumb" else None


def explain(error: Exception, as_json: bool) -> int:
    """Say what went wrong on stderr, and return the exit status that stands for it."""
    if os.environ.get("FLEET_TRACEBACK") == "1":
        from traceback import print_exception

        print_exception(error)
    if isinstance(error, click.exceptions.Abort):
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt
        error = FleetError("stopped: the question was not answered with yes")
    if isinstance(error, click.ClickException) and not as_json:
        error.show()
        return error.exit_code
    found = _as_fleet_error(error)
    _tell(found, as_json)
    return found.exit


def _as_fleet_error(error: Exception) -> FleetError:
    if isinstance(error, FleetError):
        return error
    if isinstance(error, click.ClickException):
        kind = Usage if isinstance(error, click.UsageError) else FleetError
        return kind(error.format_message(), remedy="see --help")
    if isinstance(error, OSError) and (error.filename or error.errno in DISK_TROUBLE):
        place = f": {error.filename}" if error.filename else ""
        return FleetError(f"{error.strerror}{place}", remedy="mend what the system complains about")
    from fleet_core.cli.blame import unexpected

    return unexpected(error)


def _tell(error: FleetError, as_json: bool) -> None:
    from fleet_core.cli.render import error_envelope, visible

    if as_json:
        click.echo(error_envelope(error.as_dict()), err=True)
        return
    colour = _colour(os.environ)
    click.echo(f"{click.style('Error:', fg='red')} {visible(error.message)}", err=True, color=colour)
    for line in str(error.details.get("said", "")).splitlines():
        click.echo(f"       {visible(line.expandtabs())}", err=True)
    if error.remedy:
        click.echo(f"{click.style('Next:', bold=True)}  {visible(error.remedy)}", err=True, color=colour)


def _give_up_closed_output() -> None:
    """Have what can't be written any more forgotten, lest the interpreter try again on its way out."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
