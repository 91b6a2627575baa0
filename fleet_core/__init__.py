"""The core of fleet: it knows no backend, no transport and no domain."""
