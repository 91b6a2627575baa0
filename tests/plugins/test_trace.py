"""The trace observer, as a user meets it."""

import subprocess
import sys
from pathlib import Path


def fleet(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "fleet"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)


def test_an_observer_is_silent_until_it_is_named(tmp_path: Path) -> None:
    fleet(tmp_path, "init")
    assert "recorded" not in fleet(tmp_path, "mission", "create", "quiet").stderr


def test_a_named_trace_says_what_was_recorded(tmp_path: Path) -> None:
    fleet(tmp_path, "init")
    (tmp_path / "fleet.toml").write_text('observers = ["trace"]\n')
    said = fleet(tmp_path, "mission", "create", "heard", "--id", "msn-1").stderr
    assert "fleet: recorded #1 mission_created in mission/msn-1" in said
    assert said.index("opened") < said.index("recorded") < said.index("closed")
