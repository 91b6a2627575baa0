-- {schema} stands for the project's schema. Text is compared byte by byte (COLLATE "C"), as names are.

CREATE TABLE {schema}.meta (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- An event refers to its stream by number.
CREATE TABLE {schema}.streams (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    UNIQUE (type, id)
);

-- Positions come from a sequence that never goes back; what a refused or broken append took is a gap.
CREATE SEQUENCE {schema}.positions;

-- Ids are the 16 bytes of a UUID, or text that ends in NUL so that it never has 16. Times are microseconds since
-- 1970, UTC. correlation_id NULL stands for the event's own id, occurred_at NULL for recorded_at.
-- hash covers what the writer said (see hashing.py); the chain over the log is made afterwards (see chain.py).
-- There are no foreign keys: checking them would lock and dirty the stream's row with every event.
CREATE TABLE {schema}.events (
    position bigint PRIMARY KEY,
    stream bigint NOT NULL,
    version bigint NOT NULL,
    recorded_at bigint NOT NULL,
    occurred_at bigint,
    schema_version integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    data bytea NOT NULL,
    hash bytea NOT NULL,
    tags bytea,
    metadata bytea,
    causation_id bytea,
    correlation_id bytea
);

CREATE UNIQUE INDEX events_by_id ON {schema}.events (id);

CREATE UNIQUE INDEX events_by_stream ON {schema}.events (stream, version);

CREATE INDEX events_by_cause ON {schema}.events (causation_id, position) WHERE causation_id IS NOT NULL;

CREATE INDEX events_by_root ON {schema}.events (correlation_id, position) WHERE correlation_id IS NOT NULL;

CREATE TABLE {schema}.event_tags (
    tag text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tag, position)
);

-- The chain of hashes over the log, at some positions: so many events up to there, and their hash.
CREATE TABLE {schema}.chain (
    position bigint PRIMARY KEY,
    events bigint NOT NULL,
    hash bytea NOT NULL
);

CREATE TABLE {schema}.projections (
    name text COLLATE "C" PRIMARY KEY,
    version integer NOT NULL,
    columns text NOT NULL,
    position bigint NOT NULL
);

CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is part of the record: it is never changed and never removed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE ON {schema}.events
    FOR EACH ROW EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER events_never_go BEFORE TRUNCATE ON {schema}.events
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER streams_never_change BEFORE UPDATE OR DELETE ON {schema}.streams
    FOR EACH ROW EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER streams_never_go BEFORE TRUNCATE ON {schema}.streams
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER chain_never_changes BEFORE UPDATE OR DELETE ON {schema}.chain
    FOR EACH ROW EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER chain_never_goes BEFORE TRUNCATE ON {schema}.chain
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER event_tags_never_change BEFORE UPDATE OR DELETE ON {schema}.event_tags
    FOR EACH ROW EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER event_tags_never_go BEFORE TRUNCATE ON {schema}.event_tags
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();

-- The low 32 bits of a number: advisory locks are named by two such.
CREATE FUNCTION {schema}.low(number bigint) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT number::bit(32)::integer';

-- Takes a writer's locks; they last until its transaction has ended and is visible to all.
--
-- The gate is shared by all writers, unless one must be alone: it depends on more than keys can say, or has more to
-- write than the others should wait for with it. Keys stand for streams and tags: a writer owns the streams it
-- writes to and whatever its condition looks at, and shares the tags it writes. All come in one order, so that
-- nobody waits in a circle. Last the mark: how far positions had come when the writer began, so that readers
-- know below which position nothing can appear any more.
CREATE FUNCTION {schema}.take_turn(alone boolean, keys integer[], owned boolean[], patience integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    handed_out bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'appends run at READ COMMITTED, not at %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF patience > 0 THEN
        PERFORM set_config('lock_timeout', patience::text, true);
    END IF;
    IF alone THEN
        PERFORM pg_advisory_xact_lock({schema}.low('{schema}.meta'::regclass::oid::bigint), 0);
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock_shared({schema}.low('{schema}.meta'::regclass::oid::bigint), 0);
    FOR i IN 1 .. cardinality(keys) LOOP
        IF owned[i] THEN
            PERFORM pg_advisory_xact_lock({schema}.low('{schema}.streams'::regclass::oid::bigint), keys[i]);
        ELSE
            PERFORM pg_advisory_xact_lock_shared({schema}.low('{schema}.streams'::regclass::oid::bigint), keys[i]);
        END IF;
    END LOOP;
    SELECT CASE WHEN p.is_called THEN p.last_value ELSE 0 END INTO handed_out FROM {schema}.positions p;
    PERFORM pg_advisory_xact_lock_shared(
        {schema}.low('{schema}.events'::regclass::oid::bigint), {schema}.low(handed_out));
END $$;

-- The position up to which the log is settled: every event at or below it can be read, and no other will ever
-- appear there. Waits for writers that began before it and have not ended.
--
-- The order of the steps is what makes it right: the newest event is looked up first, then the marks. A writer of a
-- lower position had its mark before the newest position was handed out, so it is found here, or has ended.
CREATE FUNCTION {schema}.settled() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    newest bigint;
    mark bigint;
BEGIN
    SELECT e.position INTO newest FROM {schema}.events e ORDER BY e.position DESC LIMIT 1;
    IF newest IS NULL THEN
        RETURN 0;
    END IF;
    LOOP
        -- A lock keeps 32 bits of a mark; those that are not below the newest position wrap around.
        SELECT l.objid::bigint INTO mark FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.classid = '{schema}.events'::regclass AND l.objsubid = 2
            AND l.mode = 'ShareLock' AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
            AND ((newest - l.objid::bigint) & 4294967295) BETWEEN 1 AND 2147483647
        LIMIT 1;
        IF NOT FOUND THEN
            RETURN newest;
        END IF;
        PERFORM pg_advisory_xact_lock({schema}.low('{schema}.events'::regclass::oid::bigint), {schema}.low(mark));
    END LOOP;
END $$;

-- Decides one append; nothing is written but the rows of new streams. `outcome` is
--   fit: go on; `first` is the first of its positions, `keys` and `bases` its streams' keys and versions so far;
--   known: some of its ids are recorded already;
--   sealed, and why: nothing may be appended any more;
--   version: the stream at `place` is at version `actual`;
--   condition: the event at position `actual` is excluded.
CREATE FUNCTION {schema}.decide(request jsonb, OUT outcome text, OUT place integer, OUT actual bigint,
    OUT first bigint, OUT keys bigint[], OUT bases bigint[]) LANGUAGE plpgsql AS $$
DECLARE
    stream record;
    wanted bigint;
    key bigint;
    base bigint;
    last bigint;
    count integer := (request ->> 'count')::integer;
BEGIN
    IF (request ->> 'look')::boolean THEN
        PERFORM FROM jsonb_to_recordset(request -> 'events') AS n(id text)
            JOIN {schema}.events e ON e.id = decode(n.id, 'base64') LIMIT 1;
        IF FOUND THEN
            outcome := 'known';
            RETURN;
        END IF;
    END IF;
    SELECT 'sealed: ' || m.value INTO outcome FROM {schema}.meta m WHERE m.name = 'sealed';
    IF FOUND THEN
        RETURN;
    END IF;
    place := 0;
    FOR stream IN
        SELECT s.* FROM jsonb_to_recordset(request -> 'streams') AS s(type text, id text, expected bigint[])
    LOOP
        SELECT s.key, coalesce(
            (SELECT e.version FROM {schema}.events e WHERE e.stream = s.key ORDER BY e.version DESC LIMIT 1), 0)
        INTO key, base FROM {schema}.streams s WHERE s.type = stream.type AND s.id = stream.id;
        base := coalesce(base, 0);
        FOREACH wanted IN ARRAY stream.expected LOOP
            IF NOT (wanted = base OR wanted = -1 OR (wanted = -2 AND base > 0)) THEN
                outcome := 'version';
                actual := base;
                RETURN;
            END IF;
        END LOOP;
        keys := keys || key;
        bases := bases || base;
        place := place + 1;
    END LOOP;
    IF request -> 'condition' IS NOT NULL THEN
        EXECUTE request -> 'condition' ->> 'sql' INTO actual USING request -> 'condition' -> 'values';
        IF actual IS NOT NULL THEN
            outcome := 'condition';
            RETURN;
        END IF;
    END IF;
    outcome := 'fit';
    IF count = 0 THEN
        RETURN;
    END IF;
    IF array_position(keys, NULL) IS NOT NULL THEN
        place := 0;
        FOR stream IN SELECT s.* FROM jsonb_to_recordset(request -> 'streams') AS s(type text, id text) LOOP
            place := place + 1;
            IF keys[place] IS NULL THEN
                INSERT INTO {schema}.streams AS s (type, id) VALUES (stream.type, stream.id)
                RETURNING s.key INTO key;
                keys[place] := key;
            END IF;
        END LOOP;
    END IF;
    IF count = 1 THEN
        first := nextval('{schema}.positions');
        RETURN;
    END IF;
    -- Neighbouring positions: who must have many of them is alone, and of a few it rarely takes a second try.
    LOOP
        SELECT min(p.position), max(p.position) INTO first, last
        FROM (SELECT nextval('{schema}.positions') AS position FROM generate_series(1, count)) p;
        EXIT WHEN last - first = count - 1;
    END LOOP;
END $$;

-- Appends one request after another, each decided in the light of those before it; gives an answer for each.
CREATE FUNCTION {schema}.append(alone boolean, keys integer[], owned boolean[], patience integer, requests jsonb)
RETURNS TABLE (outcome text, place integer, actual bigint, first bigint, bases bigint[]) LANGUAGE plpgsql AS $$
DECLARE
    request jsonb;
    decided record;
BEGIN
    PERFORM {schema}.take_turn(alone, keys, owned, patience);
    FOR request IN SELECT value FROM jsonb_array_elements(requests) LOOP
        decided := {schema}.decide(request);
        outcome := decided.outcome;
        place := decided.place;
        actual := decided.actual;
        first := decided.first;
        bases := decided.bases;
        IF first IS NOT NULL THEN
            PERFORM {schema}.write(request, first, decided.keys, bases);
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

-- Writes the events of a request that was decided.
CREATE FUNCTION {schema}.write(request jsonb, first bigint, keys bigint[], bases bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {schema}.events (position, stream, version, recorded_at, occurred_at, schema_version, type, id, data,
        hash, tags, metadata, causation_id, correlation_id)
    SELECT write.first + n.number, write.keys[n.stream], write.bases[n.stream] + n.step, n.recorded_at,
        n.occurred_at, n.schema_version, n.type, decode(n.id, 'base64'), decode(n.data, 'base64'),
        decode(n.hash, 'base64'), decode(n.tags, 'base64'), decode(n.metadata, 'base64'),
        decode(n.causation_id, 'base64'),
        CASE WHEN n.heir_of IS NULL THEN decode(n.correlation_id, 'base64') ELSE nullif(coalesce(
            (SELECT e.correlation_id FROM {schema}.events e WHERE e.id = decode(n.heir_of, 'base64')),
            decode(n.heir_of, 'base64')), decode(n.id, 'base64')) END
    FROM jsonb_to_recordset(request -> 'events') AS n(number integer, stream integer, step integer,
        recorded_at bigint, occurred_at bigint, schema_version integer, type text, id text, data text, hash text,
        tags text, metadata text, causation_id text, correlation_id text, heir_of text);
    IF request -> 'tags' IS NOT NULL THEN
        INSERT INTO {schema}.event_tags (tag, position)
        SELECT t.tag, write.first + t.event FROM jsonb_to_recordset(request -> 'tags') AS t(tag text, event integer);
    END IF;
END $$;

-- Events as people read them, in psql or anywhere else: ids and times as text.
CREATE FUNCTION {schema}.id_text(id bytea) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT CASE length(id) WHEN 16 THEN encode(id, ''hex'')::uuid::text
        ELSE convert_from(rtrim(id, ''\x00''::bytea), ''UTF8'') END';

CREATE VIEW {schema}.event_log AS
SELECT
    e.position,
    {schema}.id_text(e.id) AS id,
    e.type,
    e.schema_version,
    s.type AS stream_type,
    s.id AS stream_id,
    e.version,
    CASE m.value WHEN 'json' THEN convert_from(e.data, 'UTF8') ELSE e.data::text END AS data,
    CASE m.value WHEN 'json' THEN coalesce(convert_from(e.tags, 'UTF8'), '[]') ELSE e.tags::text END AS tags,
    CASE m.value WHEN 'json' THEN coalesce(convert_from(e.metadata, 'UTF8'), '{}') ELSE e.metadata::text END
        AS metadata,
    {schema}.id_text(e.causation_id) AS causation_id,
    {schema}.id_text(coalesce(e.correlation_id, e.id)) AS correlation_id,
    to_timestamp(0) + coalesce(e.occurred_at, e.recorded_at) * interval '1 microsecond' AS occurred_at,
    to_timestamp(0) + e.recorded_at * interval '1 microsecond' AS recorded_at
FROM {schema}.events e
JOIN {schema}.streams s ON s.key = e.stream
LEFT JOIN {schema}.meta m ON m.name = 'codec';
