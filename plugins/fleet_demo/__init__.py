"""A small fleet's day, played in a temporary directory: what fleet does, seen in a few seconds."""
