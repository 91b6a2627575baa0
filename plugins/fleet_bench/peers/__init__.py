"""The peers: other people's event stores, as they are installed."""
