"""`fleet completion`."""

import shutil
import subprocess

import pytest

from sites import Site


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_fleet_what_there_is(outside: Site, shell: str) -> None:
    answer = outside.run("completion", shell)
    assert answer.status == 0
    assert f"_FLEET_COMPLETE={shell}_complete" in answer.out


def test_the_bash_script_is_one(outside: Site) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    script = outside.run("completion", "bash").out
    assert subprocess.run([bash, "-n"], input=script, text=True, check=False).returncode == 0


@pytest.mark.parametrize("wrong", [(), ("tcsh",)])
def test_a_shell_that_is_none_is_a_usage_error_that_names_the_shells(
    outside: Site, wrong: tuple[str, ...]
) -> None:
    answer = outside.run("completion", *wrong)
    assert answer.status == 2
    assert "zsh" in answer.err
