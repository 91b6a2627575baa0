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
-- hash is that of what the writer said, with recorded_at behind it (see hashing.py); the chain over the log is made
-- afterwards (see chain.py).
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
--
-- Locks are taken by assignments here and below: a statement of its own would cost more than a lock.
CREATE FUNCTION {schema}.take_turn(alone boolean, keys integer[], owned boolean[], patience integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    nothing text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'appends run at READ COMMITTED, not at %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF patience > 0 THEN
        PERFORM set_config('lock_timeout', patience::text, true);
    END IF;
    IF alone THEN
        nothing := pg_advisory_xact_lock({schema}.low('{schema}.meta'::regclass::oid::bigint), 0);
        RETURN;
    END IF;
    nothing := pg_advisory_xact_lock_shared({schema}.low('{schema}.meta'::regclass::oid::bigint), 0);
    FOR i IN 1 .. cardinality(keys) LOOP
        IF owned[i] THEN
            nothing := pg_advisory_xact_lock({schema}.low('{schema}.streams'::regclass::oid::bigint), keys[i]);
        ELSE
            nothing := pg_advisory_xact_lock_shared({schema}.low('{schema}.streams'::regclass::oid::bigint), keys[i]);
        END IF;
    END LOOP;
    nothing := pg_advisory_xact_lock_shared(
        {schema}.low('{schema}.events'::regclass::oid::bigint),
        {schema}.low(coalesce(pg_sequence_last_value('{schema}.positions'::regclass), 0)));
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

-- Two functions append. Both give a word and numbers for each request:
--   recorded FIRST BASE ...: the first of its positions, and its streams' versions before;
--   known: some of its ids are recorded already;
--   sealed: why nothing may be appended any more;
--   version PLACE ACTUAL: the version of the stream at that place, counted from 0;
--   condition POSITION: of the event that is excluded.
-- An expectation is a version, or -1 for any, -2 for an existing stream, -3 for what can't be. `look` asks whether
-- the ids are recorded already. Where `heir` is given, the event inherits the root of that one. Where the writer has
-- no clock of its own, `recorded_at` is NULL and the server's says when.

-- Whether any of these ids is recorded.
CREATE FUNCTION {schema}.is_known(ids bytea[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM {schema}.events e WHERE e.id = ANY (ids) LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- They are acknowledged anew, so this transaction must end like one that writes: by waiting for the disk and for
    -- synchronous standbys. A server that crashed between its own disk and its standbys shows, when it is back, what
    -- it alone has.
    PERFORM pg_logical_emit_message(true, 'fleet', '');
    RETURN true;
END $$;

-- Whether a stream's version is what is expected.
CREATE FUNCTION {schema}.is_met(expected bigint, version bigint) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT expected = version OR expected = -1 OR (expected = -2 AND version > 0)';

-- Appends one event, as most appends do: in half the time that the other function takes.
CREATE FUNCTION {schema}.append_one(
    alone boolean, locks integer[], owned boolean[], patience integer, look boolean, condition jsonb,
    stream_type text, stream_id text, expected bigint,
    recorded_at bigint, occurred_at bigint, schema_version integer, type text, id bytea, data bytea, hash bytea,
    tags bytea, metadata bytea, cause bytea, root bytea, heir bytea, tag_names text[]
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    nothing text;
    sealed text;
    key bigint;
    base bigint;
    excluded bigint;
    new_position bigint;
BEGIN
    nothing := {schema}.take_turn(alone, locks, owned, patience);
    IF look AND {schema}.is_known(ARRAY[id]) THEN
        RETURN 'known';
    END IF;
    -- Three statements, which cost less than a join of them.
    SELECT m.value INTO sealed FROM {schema}.meta m WHERE m.name = 'sealed';
    IF sealed IS NOT NULL THEN
        RETURN 'sealed: ' || sealed;
    END IF;
    SELECT s.key INTO key FROM {schema}.streams s WHERE s.type = stream_type AND s.id = stream_id;
    -- Not asked of no stream: such a plan costs so little that the server would make a new one each time.
    IF key IS NOT NULL THEN
        SELECT e.version INTO base FROM {schema}.events e WHERE e.stream = key ORDER BY e.version DESC LIMIT 1;
    END IF;
    base := coalesce(base, 0);
    IF NOT {schema}.is_met(expected, base) THEN
        RETURN 'version 0 ' || base;
    END IF;
    IF condition IS NOT NULL THEN
        EXECUTE condition ->> 'sql' INTO excluded USING condition -> 'values';
        IF excluded IS NOT NULL THEN
            RETURN 'condition ' || excluded;
        END IF;
    END IF;
    IF key IS NULL THEN
        INSERT INTO {schema}.streams AS s (type, id) VALUES (stream_type, stream_id) RETURNING s.key INTO key;
    END IF;
    IF heir IS NOT NULL THEN
        root := nullif(coalesce((SELECT e.correlation_id FROM {schema}.events e WHERE e.id = heir), heir), id);
    END IF;
    recorded_at := coalesce(recorded_at, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    new_position := nextval('{schema}.positions');
    INSERT INTO {schema}.events (position, stream, version, recorded_at, occurred_at, schema_version, type, id, data,
        hash, tags, metadata, causation_id, correlation_id)
    VALUES (new_position, key, base + 1, recorded_at, occurred_at, schema_version, type, id, data,
        hash || int8send(recorded_at), tags, metadata, cause, root);
    IF tag_names IS NOT NULL THEN
        INSERT INTO {schema}.event_tags (tag, position) SELECT t, new_position FROM unnest(tag_names) t;
    END IF;
    RETURN 'recorded ' || new_position || ' ' || base;
END $$;

-- Appends one request after another, each decided in the light of those before it. Everything comes in columns, of
-- all requests one after another, which are quicker than JSON; counts say how many streams, events and tags are a
-- request's own. `recorded_at` is a request's. An event names its stream by its number within the request, from 1, and `steps` count from 1
-- within each of these; a tag names its event by its number within the request, from 0. Plans are made once: the
-- server would make them anew each time, to know the number of events, which changes nothing.
CREATE FUNCTION {schema}.append(
    alone boolean, locks integer[], owned boolean[], patience integer,
    stream_counts integer[], event_counts integer[], tag_counts integer[], looks boolean[], conditions jsonb,
    stream_types text[], stream_ids text[], expected bigint[],
    streams integer[], steps integer[],
    recorded_at bigint[], occurred_at bigint[], schema_versions integer[], types text[], ids bytea[], data bytea[],
    hashes bytea[], tags bytea[], metadata bytea[], causes bytea[], roots bytea[], heirs bytea[],
    tag_names text[], tag_events integer[]
) RETURNS SETOF text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    nothing text;
    sealed text;
    outcome text;
    keys bigint[];
    key bigint;
    bases bigint[];
    base bigint;
    excluded bigint;
    first bigint;
    last bigint;
    moment bigint;
    -- Where a request's own streams, events and tags begin: this many are others'.
    s integer := 0;
    e integer := 0;
    t integer := 0;
BEGIN
    nothing := {schema}.take_turn(alone, locks, owned, patience);
    SELECT 'sealed: ' || m.value INTO sealed FROM {schema}.meta m WHERE m.name = 'sealed';
    FOR r IN 1 .. cardinality(event_counts) LOOP
        keys := '{}';
        bases := '{}';
        outcome := NULL;
        IF looks[r] AND {schema}.is_known(ids[e + 1 : e + event_counts[r]]) THEN
            outcome := 'known';
        END IF;
        outcome := coalesce(outcome, sealed);
        FOR i IN 1 .. stream_counts[r] LOOP
            EXIT WHEN outcome IS NOT NULL;
            SELECT n.key, (SELECT v.version FROM {schema}.events v WHERE v.stream = n.key ORDER BY v.version DESC LIMIT 1)
            INTO key, base FROM {schema}.streams n WHERE n.type = stream_types[s + i] AND n.id = stream_ids[s + i];
            base := coalesce(base, 0);
            keys[i] := key;
            bases[i] := base;
            IF NOT {schema}.is_met(expected[s + i], base) THEN
                outcome := 'version ' || i - 1 || ' ' || base;
            END IF;
        END LOOP;
        IF outcome IS NULL AND conditions ->> (r - 1) IS NOT NULL THEN
            EXECUTE conditions -> (r - 1) ->> 'sql' INTO excluded USING conditions -> (r - 1) -> 'values';
            outcome := 'condition ' || excluded;
        END IF;
        IF outcome IS NULL AND event_counts[r] = 0 THEN
            outcome := 'recorded';
        END IF;
        IF outcome IS NULL THEN
            FOR i IN 1 .. stream_counts[r] LOOP
                IF keys[i] IS NULL THEN
                    INSERT INTO {schema}.streams AS n (type, id) VALUES (stream_types[s + i], stream_ids[s + i])
                    RETURNING n.key INTO key;
                    keys[i] := key;
                END IF;
            END LOOP;
            -- Neighbouring positions: who must have many is alone, and of a few it rarely takes a second try.
            LOOP
                SELECT min(p.position), max(p.position) INTO first, last
                FROM (SELECT nextval('{schema}.positions') AS position FROM generate_series(1, event_counts[r])) p;
                EXIT WHEN last - first = event_counts[r] - 1;
            END LOOP;
            moment := coalesce(recorded_at[r], (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
            INSERT INTO {schema}.events (position, stream, version, recorded_at, occurred_at, schema_version, type,
                id, data, hash, tags, metadata, causation_id, correlation_id)
            SELECT first + i - e - 1, keys[streams[i]], bases[streams[i]] + steps[i], moment, occurred_at[i],
                schema_versions[i], types[i], ids[i], data[i], hashes[i] || int8send(moment), tags[i], metadata[i], causes[i],
                CASE WHEN heirs[i] IS NULL THEN roots[i] ELSE nullif(coalesce(
                    (SELECT h.correlation_id FROM {schema}.events h WHERE h.id = heirs[i]), heirs[i]), ids[i]) END
            FROM generate_series(e + 1, e + event_counts[r]) i;
            IF tag_counts[r] > 0 THEN
                INSERT INTO {schema}.event_tags (tag, position)
                SELECT tag_names[i], first + tag_events[i] FROM generate_series(t + 1, t + tag_counts[r]) i;
            END IF;
            outcome := 'recorded ' || first || ' ' || array_to_string(bases, ' ');
        END IF;
        s := s + stream_counts[r];
        e := e + event_counts[r];
        t := t + tag_counts[r];
        RETURN NEXT outcome;
    END LOOP;
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
