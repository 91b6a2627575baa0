"""What people see while something takes its time, and how they get out of it."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from fleet_core.cli.render import is_terminal, visible, width_of

TICK: Final = 0.25
"""Seconds between two looks at the clock of a live line."""

POLL: Final = 500
"""Milliseconds between two looks whether the watch is over."""

ERASE: Final = "\r\x1b[K"


@contextmanager
def waiting(subject: str, first: str, silent: bool = False) -> Iterator[Callable[[str], None]]:
    """Give what is to be told what is waited for, and show it on stderr: a live line with the seconds gone
    by on a terminal, a line for each phrase anywhere else, nothing when `silent`.

    `first` is waited for until something else is; it is worth no line of its own. An interrupt is answered
    with what was waited for.
    """
    if silent:
        yield lambda phrase: None
        return
    lively = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
    display = (LiveLine if lively else PlainLines)(subject, first)
    try:
        yield display.report
    except KeyboardInterrupt:
        display.close()
        click.echo(
            f"Interrupted at {display.line()}. 'fleet services status' says where it stands.", err=True
        )
        raise
    finally:
        display.close()


class PlainLines:
    """A line for each thing waited for."""

    def __init__(self, subject: str, phrase: str) -> None:
        self._subject = subject
        self._phrase = phrase

    def report(self, phrase: str) -> None:
        """Say what is waited for now, unless it was said last."""
        if phrase != self._phrase:
            self._phrase = phrase
            click.echo(self.line(), err=True)

    def line(self) -> str:
        """What is waited for."""
        return visible(f"{self._subject}: {self._phrase}")

    def close(self) -> None:
        """Nothing is waited for any more."""


class LiveLine(PlainLines):
    """One line that says what is waited for and for how long, and is gone afterwards."""

    def __init__(self, subject: str, phrase: str) -> None:
        super().__init__(subject, phrase)
        self._since = time.monotonic()
        self._over = threading.Event()
        self._drawn = ""
        self._clock = threading.Thread(target=self._tick, daemon=True)
        self._clock.start()

    def report(self, phrase: str) -> None:
        """Say what is waited for now."""
        self._phrase = phrase

    def line(self) -> str:
        """What is waited for, and for how long in all."""
        return f"{super().line()} ({time.monotonic() - self._since:.0f} s)"

    def _tick(self) -> None:
        while not self._over.is_set():
            self._draw(self.line())
            self._over.wait(TICK)
        self._draw("")

    def _draw(self, line: str) -> None:
        if line != self._drawn:
            self._drawn = line
            click.echo(f"{ERASE}{_fitting(line)}", nl=False, err=True, color=True)

    def close(self) -> None:
        """Take the line away."""
        self._over.set()
        self._clock.join()


def _fitting(line: str) -> str:
    """As much of a line as a terminal shows without wrapping: what has wrapped can't be taken away."""
    import shutil

    room = shutil.get_terminal_size().columns - 1
    while width_of(line) > room:
        line = line[:-1]
    return line


@contextmanager
def ending_when_unread() -> Iterator[None]:
    """Interrupt what is waited for when whoever reads our output goes away: nothing else would notice.

    Works in the main thread.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    if sys.stdout is None:
        raise BrokenPipeError
    unread, over = threading.Event(), threading.Event()
    watch = threading.Thread(target=_watch, args=(sys.stdout.fileno(), unread, over), daemon=True)
    watch.start()
    try:
        yield
    except KeyboardInterrupt:
        if unread.is_set():
            raise BrokenPipeError from None
        raise
    finally:
        over.set()


def _watch(output: int, unread: threading.Event, over: threading.Event) -> None:
    poll = select.poll()
    poll.register(output, 0)  # errors and hang-ups are told unasked
    while not over.is_set():
        if poll.poll(POLL) and not over.is_set():
            unread.set()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            return


@contextmanager
def leaving_interrupts_to_another() -> Iterator[None]:
    """Let Ctrl-C be for the program that runs on this terminal, and not end us who wait for it."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
