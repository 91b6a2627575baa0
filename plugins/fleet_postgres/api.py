"""What other plugins may use of this one: where a server is, and whether it lets us in."""

from fleet_postgres.logins import Login, LoginRefused, Reason, server_version
from fleet_postgres.passwords import PasswordFile

__all__ = ["Login", "LoginRefused", "PasswordFile", "Reason", "server_version"]
