"""Where the day is played: a project's directory, opened in the same way by every process of the demo."""

from pathlib import Path

from fleet_core.api import Fleet, Project, Settings


def project_in(folder: Path) -> Project:
    """The project in a folder, whatever the surroundings say: a demo must not meet anybody's real store."""
    return Project(folder, folder / ".fleet")


def opened(project: Project) -> Fleet:
    """The project's fleet with the settings every project begins with."""
    return Fleet.open(project, settings=Settings())
