"""FleetTools heritage: import of its JSON file, and what its servers said on the wire."""
