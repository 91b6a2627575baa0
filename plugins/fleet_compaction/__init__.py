"""Compaction: old events move to an archive and a snapshot takes their place."""
