"""PostgreSQL from programs that are on the machine already, for machines without Podman."""
