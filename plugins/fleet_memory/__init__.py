"""An event store in a list: the reference semantics, for tests and for looking before leaping."""
