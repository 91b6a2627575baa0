"""How the container is made: the arguments of `podman run`, and what they depend on."""

import hashlib
import json
from typing import Final

from fleet_podman.inspected import Container
from fleet_podman.service import Service

RECIPE: Final = "io.fleettools.recipe"
"""Label of a container: a hash of what it was made from. When that has changed, it is made anew."""

DATA: Final = "/var/lib/postgresql/data"
"""Where the data lies in the container. Official images up to 17 keep it here; those from 18 on elsewhere and
refuse a volume here unless PGDATA says so. It is said to all of them, so a volume looks alike in each."""


def arguments(service: Service) -> list[str]:
    """The arguments of `podman run`. The password is not among them: it is mounted as a secret."""
    ingredients = _ingredients(service)
    return ["--label", f"{RECIPE}={_hash(ingredients)}", *ingredients]


def is_outdated(service: Service, container: Container) -> bool:
    """Whether a container was made from other settings than those of now."""
    return container.labels.get(RECIPE) != _hash(_ingredients(service))


def _ingredients(service: Service) -> list[str]:
    settings = service.settings
    port = "" if settings.port == "auto" else str(settings.port)
    environment = {
        "PGDATA": DATA,
        "POSTGRES_USER": settings.user,
        "POSTGRES_DB": settings.database,
        "POSTGRES_PASSWORD_FILE": f"/run/secrets/{service.secret}",
    }
    return [
        "--detach",
        *("--pull", "never"),
        *("--name", settings.container),
        *(part for name, value in service.labels.items() for part in ("--label", f"{name}={value}")),
        *("--publish", f"127.0.0.1:{port}:5432"),
        *("--volume", f"{settings.volume}:{DATA}"),
        # Images from 18 on declare another volume around this one; nothing nameless is to be left behind.
        *("--image-volume", "ignore"),
        *("--secret", service.secret),
        *(part for name, value in environment.items() for part in ("--env", f"{name}={value}")),
        settings.image,
    ]


def _hash(ingredients: list[str]) -> str:
    return hashlib.sha256(json.dumps(ingredients).encode()).hexdigest()[:16]
