-- Names that recur on every event are interned: an event refers to its stream, type and tags by number.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE streams (
    key INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    UNIQUE (type, id)
);

CREATE TABLE types (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE tags (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- AUTOINCREMENT, because a position must never be handed out twice, even after the tail of the log is gone.
-- Ids are the 16 bytes of a UUID, or text. Times are microseconds since 1970, UTC.
-- correlation_id NULL stands for the event's own id, occurred_at NULL for recorded_at.
-- hash chains over the log and covers every column (see hashing.py).
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    stream INTEGER NOT NULL REFERENCES streams,
    version INTEGER NOT NULL,
    type INTEGER NOT NULL REFERENCES types,
    schema_version INTEGER NOT NULL,
    data BLOB NOT NULL,
    tags BLOB,
    metadata BLOB,
    causation_id BLOB,
    correlation_id BLOB,
    occurred_at INTEGER,
    recorded_at INTEGER NOT NULL,
    hash BLOB NOT NULL
);

CREATE UNIQUE INDEX events_by_id ON events (id);

CREATE UNIQUE INDEX events_by_stream ON events (stream, version);

-- There is no index by type: it would slow every append by a quarter, and who asks for types reads most of the log.

CREATE TABLE event_tags (
    tag INTEGER NOT NULL REFERENCES tags,
    position INTEGER NOT NULL REFERENCES events,
    PRIMARY KEY (tag, position)
) WITHOUT ROWID;

-- From three bytes of an event's cause and root to the event, for those up to the position `linked` (see links.py).
CREATE TABLE event_links (
    tail BLOB NOT NULL,
    position INTEGER NOT NULL REFERENCES events,
    PRIMARY KEY (tail, position)
) WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('linked', '0');

CREATE TABLE projections (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    columns TEXT NOT NULL,
    position INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are immutable: record another event instead');
END;

CREATE TRIGGER events_never_go BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are kept: compaction is the way to discard them');
END;

CREATE TRIGGER streams_never_change BEFORE UPDATE ON streams
BEGIN
    SELECT RAISE(ABORT, 'the name of a stream is part of its events, and those are immutable');
END;

CREATE TRIGGER streams_never_go BEFORE DELETE ON streams
BEGIN
    SELECT RAISE(ABORT, 'the name of a stream is part of its events, and those are kept');
END;

CREATE TRIGGER types_never_change BEFORE UPDATE ON types
BEGIN
    SELECT RAISE(ABORT, 'the name of a type is part of its events, and those are immutable');
END;

CREATE TRIGGER types_never_go BEFORE DELETE ON types
BEGIN
    SELECT RAISE(ABORT, 'the name of a type is part of its events, and those are kept');
END;

-- Events as people read them, in the sqlite3 shell, Datasette or anywhere else: ids and times as text.
CREATE VIEW event_log AS
SELECT
    position,
    CASE typeof(id) WHEN 'blob' THEN lower(
        substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4) || '-' ||
        substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)
    ) ELSE id END AS id,
    type,
    schema_version,
    stream_type,
    stream_id,
    version,
    CASE codec WHEN 'json' THEN CAST(data AS TEXT) ELSE data END AS data,
    CASE codec WHEN 'json' THEN coalesce(CAST(tags AS TEXT), '[]') ELSE tags END AS tags,
    CASE codec WHEN 'json' THEN coalesce(CAST(metadata AS TEXT), '{}') ELSE metadata END AS metadata,
    CASE typeof(cause) WHEN 'blob' THEN lower(
        substr(hex(cause), 1, 8) || '-' || substr(hex(cause), 9, 4) || '-' || substr(hex(cause), 13, 4) || '-' ||
        substr(hex(cause), 17, 4) || '-' || substr(hex(cause), 21)
    ) ELSE cause END AS causation_id,
    CASE typeof(root) WHEN 'blob' THEN lower(
        substr(hex(root), 1, 8) || '-' || substr(hex(root), 9, 4) || '-' || substr(hex(root), 13, 4) || '-' ||
        substr(hex(root), 17, 4) || '-' || substr(hex(root), 21)
    ) ELSE root END AS correlation_id,
    strftime('%Y-%m-%dT%H:%M:%S', (happened - (happened % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (happened % 1000000 + 1000000) % 1000000) AS occurred_at,
    strftime('%Y-%m-%dT%H:%M:%S', (recorded - (recorded % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (recorded % 1000000 + 1000000) % 1000000) AS recorded_at
FROM (
    SELECT
        e.position AS position, e.id AS id, t.name AS type, e.schema_version AS schema_version,
        s.type AS stream_type, s.id AS stream_id, e.version AS version, e.data AS data, e.tags AS tags,
        e.metadata AS metadata, e.causation_id AS cause, coalesce(e.correlation_id, e.id) AS root,
        coalesce(e.occurred_at, e.recorded_at) AS happened, e.recorded_at AS recorded,
        (SELECT value FROM meta WHERE name = 'codec') AS codec
    FROM events e JOIN streams s ON s.key = e.stream JOIN types t ON t.key = e.type
);
