"""PostgreSQL in a container of Podman."""
