"""Mutants that leave something behind, or say something else than they do."""

import shutil
from pathlib import Path

from fleet_core.errors import NotFound
from fleet_core.services import Report, ServiceStatus
from kit.service_mutants.base import ProviderMutant


class DestroysWhileItRuns(ProviderMutant):
    """Removes the folder from under a server that goes on."""

    caught_by = "test_destroy_leaves_nothing_running"

    def destroy(self) -> list[str]:
        belongings = self.belongings()
        shutil.rmtree(self._folder.path, ignore_errors=True)
        return belongings


class KeepsTheData(ProviderMutant):
    """Removes the container and forgets the volume."""

    caught_by = "test_destroy_leaves_nothing_on_this_machine"

    def destroy(self) -> list[str]:
        belongings = self.belongings()
        self.down()
        return belongings


class ForgetsAFile(ProviderMutant):
    caught_by = "test_destroy_leaves_nothing_on_this_machine"

    def up(self, report: Report) -> ServiceStatus:
        (self._directory / f"{self._service}.password").touch(mode=0o600)
        return super().up(report)


class OwnsWhatIsGone(ProviderMutant):
    caught_by = "test_nothing_belongs_to_a_service_that_was_destroyed"

    def belongings(self) -> list[str]:
        return [f"the folder {self._folder.path} with all notes in it"]


class BelittlesItsBelongings(ProviderMutant):
    """Does not say that the data goes as well."""

    caught_by = "test_belongings_name_everything_that_lasts"

    def belongings(self) -> list[str]:
        return ["a few files"] if super().belongings() else []


class DestroysInSilence(ProviderMutant):
    caught_by = "test_destroy_says_that_it_removed_the_belongings"

    def destroy(self) -> list[str]:
        super().destroy()
        return []


class DestroysWhenAsked(ProviderMutant):
    """A dry run that is none."""

    caught_by = "test_asking_for_belongings_removes_nothing"

    def belongings(self) -> list[str]:
        found = super().belongings()
        if self._folder.path.exists() and self._folder.pid() is None:
            shutil.rmtree(self._folder.path)
        return found


class DestroysOnce(ProviderMutant):
    caught_by = "test_destroy_of_an_absent_service_removes_nothing"

    def destroy(self) -> list[str]:
        if not self.belongings():
            raise self.broken()
        return super().destroy()


class InventsAUrl(ProviderMutant):
    caught_by = "test_the_url_of_an_absent_service_is_not_found"

    def url(self) -> str:
        try:
            return super().url()
        except NotFound:
            return "notes://127.0.0.1:4711"


class KeepsABackup(ProviderMutant):
    """Means well."""

    caught_by = "test_a_crashed_service_is_destroyed_and_begins_anew"

    @property
    def _backup(self) -> Path:
        return self._directory.with_name(f"{self._directory.name}-{self._service}-backup")

    def destroy(self) -> list[str]:
        if self._folder.path.exists():
            shutil.copy(self._folder.path / "notes.txt", self._backup)
        return super().destroy()

    def _make_folder(self, report: Report) -> None:
        super()._make_folder(report)
        if self._backup.exists():
            shutil.copy(self._backup, self._folder.path / "notes.txt")


class DestroysTheLiving(ProviderMutant):
    """Can't remove what has crashed."""

    caught_by = "test_a_crashed_service_is_destroyed_and_begins_anew"

    def destroy(self) -> list[str]:
        return [] if self.status().state == "failing" else super().destroy()
