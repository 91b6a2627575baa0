"""The command `fleet demo`."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from fleet_core.api import Conflict, json_option, show

if TYPE_CHECKING:
    from fleet_demo.day import Scene


@click.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Play it in this directory, and keep what was recorded.",
)
@json_option
def demo(keep: Path | None, as_json: bool) -> None:
    """Play a small fleet's day in a temporary directory.

    Four specialists share a mission. Two processes want the same sortie, one of them is killed at work, and
    nothing acknowledged is lost. It takes a few seconds and touches none of your projects.

    \b
    Examples:
      fleet demo
      fleet demo --keep ~/fleet-demo
    """
    if keep is not None:
        _play(_empty(keep), as_json, kept=True)
        return
    with TemporaryDirectory(prefix="fleet-demo-") as folder:
        _play(Path(folder), as_json, kept=False)


def _empty(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty", remedy="name a new directory: fleet demo --keep DIR")
    return folder.absolute()


def _play(folder: Path, as_json: bool, *, kept: bool) -> None:
    from fleet_demo.day import play
    from fleet_demo.stage import project_in

    project = project_in(folder)
    project.directory.mkdir(mode=0o700, parents=True)
    began = time.monotonic()
    scenes = []
    for scene in play(project):
        scenes.append(scene)
        if not as_json:
            _tell(scene, len(scenes))
    seconds = round(time.monotonic() - began, 2)
    if as_json:
        show(_summary(scenes, folder, seconds, kept), as_json=True)
    else:
        _farewell(folder, seconds, kept)


def _tell(scene: "Scene", number: int) -> None:
    click.secho(f"{number}. {scene.heading}", bold=True)
    for line in scene.lines:
        click.echo(f"   {line}")
    if scene.rows:
        show(scene.rows, columns=scene.columns)
    click.echo()


def _summary(scenes: "list[Scene]", folder: Path, seconds: float, kept: bool) -> dict[str, Any]:
    return {
        "directory": str(folder),
        "kept": kept,
        "seconds": seconds,
        "scenes": [{"heading": scene.heading, **scene.facts} for scene in scenes],
    }


def _farewell(folder: Path, seconds: float, kept: bool) -> None:
    if kept:
        click.echo(f"That was {seconds} s, on the store in {folder}. Look at it:")
        nexts = [f"cd {folder}", "fleet status", "fleet log", "fleet sortie list --as-of 10"]
    else:
        click.echo(f"That was {seconds} s, on a real store in {folder}, which is gone now. Next:")
        nexts = [
            "fleet demo --keep DIR",
            "fleet init",
            "fleet specialist register NAME",
            "fleet mission create TITLE",
        ]
    for each in nexts:
        click.echo(f"  {each}")
