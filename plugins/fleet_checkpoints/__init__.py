"""Checkpoints: a specialist's context, saved so that its work survives a crash or a new context window."""
