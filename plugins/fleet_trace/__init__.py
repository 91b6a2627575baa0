"""Observer: says on standard error what fleet does."""
