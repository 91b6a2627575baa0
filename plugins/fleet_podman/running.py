"""Having the container run, whatever state it is in. Its data is in the volume, so it can be made anew."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from fleet_core.api import Report, ServiceFailed
from fleet_podman import recipe
from fleet_podman.clock import Clock, Deadline
from fleet_podman.faults import (
    CONTAINER_MISSING,
    NAME_TAKEN,
    OTHER,
    PORT_IN_USE,
    SECRET_MISSING,
    STATE_IMPROPER,
    VOLUME_IN_USE,
)
from fleet_podman.first_start import FirstStart
from fleet_podman.image import Image
from fleet_podman.inspected import Container
from fleet_podman.ownership import is_own, own_container, own_secret
from fleet_podman.password import Password
from fleet_podman.podman import Podman
from fleet_podman.service import Service, is_fault
from fleet_podman.stopping import refuse_servers_at_the_volume, take_away

CURED_BY_A_NEW_ONE: Final = (STATE_IMPROPER, SECRET_MISSING, CONTAINER_MISSING, OTHER)
"""What keeps a container from going on that one made anew will not have."""

ATTEMPTS: Final = 5
PAUSE: Final = 1.0
"""How often a container is looked for and made while another process makes one, and seconds in between."""


class Running:
    """The container of a service, to be run."""

    def __init__(
        self,
        service: Service,
        podman: Podman,
        first: FirstStart,
        image: Image,
        password: Password,
        clock: Clock,
        report: Report,
    ) -> None:
        self._service = service
        self._podman = podman
        self._first = first
        self._image = image
        self._password = password
        self._clock = clock
        self._report = report

    def have_it_run(self, deadline: Deadline) -> Container:
        """Have the container run, as the settings of now describe it. The server in it may not be ready.

        The deadline moves when the image must be fetched first.

        Raises:
            ServiceFailed: it does not.
        """
        for _ in range(ATTEMPTS):
            try:
                container = self._found_or_made(deadline)
            except ServiceFailed as failed:
                # Left by a fleet that was killed, a Podman may still be making it.
                if not is_fault(failed, NAME_TAKEN):
                    raise
                self._clock.sleep(PAUSE)
                continue
            if container is not None:
                return container
        raise self._service.error(NAME_TAKEN)

    def _found_or_made(self, deadline: Deadline) -> Container | None:
        container = own_container(self._service, self._podman)
        if container is None:
            self._make(None, deadline)
        elif recipe.is_outdated(self._service, container):
            self._make(container, deadline)
        elif container.state == "paused":
            self._report("letting the paused container go on")
            self._go_on(container, self._podman.unpause, deadline)
        elif container.is_at_rest:
            self._refuse_others_at_the_volume()
            refuse_servers_at_the_volume(self._service)
            self._report("starting the container")
            self._go_on(container, self._podman.start, deadline)
        elif container.state == "running":
            return container
        else:
            self._make(container, deadline)
        return own_container(self._service, self._podman)

    def _go_on(self, container: Container, step: Callable[[], None], deadline: Deadline) -> None:
        cured = (*CURED_BY_A_NEW_ONE, *((PORT_IN_USE,) if self._service.settings.port == "auto" else ()))
        try:
            step()
        except ServiceFailed as failed:
            if not is_fault(failed, *cured):
                raise
            self._make(container, deadline)

    def _make(self, former: Container | None, deadline: Deadline) -> None:
        self._image.have(deadline)
        self._image.refuse_other_major(self._first.major(former))
        self._refuse_others_at_the_volume()
        if former is not None:
            self._report("making the container anew; its data stays in its volume")
            self._take_away(former.name)
        self._hand_over_the_password()
        refuse_servers_at_the_volume(self._service)
        self._report("making the container")
        self._make_and_start()

    def _make_and_start(self) -> None:
        try:
            self._podman.run(recipe.arguments(self._service))
        except ServiceFailed as failed:
            if not is_fault(failed, NAME_TAKEN):
                self._remove_what_was_made()
            raise

    def _remove_what_was_made(self) -> None:
        # Podman keeps a container that could not be started, when its port is taken for example.
        with suppress(ServiceFailed):
            left = own_container(self._service, self._podman)
            if left is not None and left.state != "running":
                self._take_away(left.name)

    def _hand_over_the_password(self) -> None:
        if own_secret(self._service, self._podman) is not None:
            self._podman.remove_secret()
        self._podman.make_secret(self._password.known())

    def _refuse_others_at_the_volume(self) -> None:
        """Two servers on the same data would destroy it: neither sees the other from within its container."""
        for seat in self._podman.at_the_volume():
            if seat.name == self._service.settings.container:
                continue
            if is_own(self._service, seat.labels):
                self._report(f"removing container {seat.name}, as the settings name another now")
                self._take_away(seat.name)
            elif seat.runs:
                raise self._service.error(VOLUME_IN_USE, said=f"container {seat.name} runs")

    def _take_away(self, name: str) -> None:
        take_away(self._service, self._podman, name, seconds=self._service.settings.stop_timeout)
