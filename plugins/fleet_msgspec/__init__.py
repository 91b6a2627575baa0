"""Codecs on msgspec: events as canonical JSON or MessagePack, and what neither lets through."""
