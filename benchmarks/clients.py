"""Client processes that append for some seconds, each with the store opened by itself."""

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from fleet_bench.crowd import Crowd


def processes(store: str, directory: Path, count: int, seconds: float, name: str) -> Crowd:
    """Let processes append at once; they start when all of them are ready."""
    command = [sys.executable, "-m", "benchmarks.process", store, str(directory), str(seconds)]
    running = [
        subprocess.Popen(
            [*command, f"{name}-{index}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        for index in range(count)
    ]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    started = perf_counter()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate()[0] for process in running]
    return Crowd([json.loads(answer) for answer in answers], perf_counter() - started)
