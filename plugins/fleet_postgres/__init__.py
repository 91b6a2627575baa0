"""PostgreSQL: how to log in to a server."""
