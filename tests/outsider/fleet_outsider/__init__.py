"""A stranger's plugins for fleet. They know `fleet_core.api` and nothing else of it."""
