"""Squawk: messages between specialists, in mailboxes and threads."""
