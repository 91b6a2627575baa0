"""The image: fetched when the settings say so, and refused when it can't read the data there is."""

from fleet_core.api import Report, ServiceFailed
from fleet_podman.clock import Deadline
from fleet_podman.faults import PODMAN_SILENT
from fleet_podman.image_faults import IMAGE_MISSING, REGISTRY_SILENT
from fleet_podman.podman import Podman
from fleet_podman.server_faults import VERSION_MISMATCH
from fleet_podman.service import Service, is_fault


class Image:
    """The image of a service, for one `up`."""

    def __init__(self, service: Service, podman: Podman, report: Report) -> None:
        self._service = service
        self._podman = podman
        self._report = report
        self._had = False

    def have(self, deadline: Deadline) -> None:
        """Have the image on this machine; the deadline moves when it must be fetched.

        Raises:
            ServiceFailed: it is not to be had.
        """
        if not self._had:
            self._have(deadline)
        self._had = True

    def _have(self, deadline: Deadline) -> None:
        settings = self._service.settings
        there = self._podman.has_image()
        if settings.pull == "never" and not there:
            raise self._service.error(IMAGE_MISSING)
        if settings.pull == "never" or (settings.pull == "missing" and there):
            return
        deadline.extend(settings.pull_timeout)
        self._report(f"fetching image {settings.image}")
        try:
            self._podman.pull(deadline.left)
        except ServiceFailed as failed:
            if settings.pull == "newer" and there:
                self._report(f"no newer image {settings.image} is to be had; the one on this machine will do")
            elif is_fault(failed, PODMAN_SILENT):
                raise self._service.error(REGISTRY_SILENT, said=failed.message) from None
            else:
                raise

    def refuse_other_major(self, major: str) -> None:
        """Accept an image that can read data of a major version; an empty one is not known.

        Raises:
            ServiceFailed: the image is of another major version.
        """
        offered = self._podman.image_major() if major else ""
        if offered and offered != major:
            said = f"the data is of PostgreSQL {major}, the image is of PostgreSQL {offered}"
            raise self._service.error(VERSION_MISMATCH, said=said)
