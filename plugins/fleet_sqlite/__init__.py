"""The default event store: one SQLite file in the project's directory."""
