"""Processes for tests that start quickly: forked, all fresh, from one that has imported what they need."""

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final

import pytest

WORKERS: Final = ["claimants", "lease_workers", "postgres_crowds", "reservers", "sqlite_workers"]
"""Modules with what such processes do."""


def processes() -> ForkServerContext:
    """Where to get them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(WORKERS)
    # It imports them before it is told of our path, and says nothing when it finds none of them.
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(Path(__file__).parent))
        forkserver.ensure_running()
    return context
