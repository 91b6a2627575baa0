"""Missions and the sorties they are split into: planning, progress, reviews and the end."""
