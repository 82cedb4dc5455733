-- The event store and what is written with it in one transaction.
-- Order: appends are serialised by an advisory lock, never by LOCK TABLE (which needs rights the writer must not have
-- and waits a second behind autovacuum). Positions are dense and written explicitly, so a hole is a finding and never
-- what a rollback leaves.

CREATE SCHEMA ledger;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'onecard_writer') THEN
        CREATE ROLE onecard_writer NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'onecard_reader') THEN
        CREATE ROLE onecard_reader NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another database of this server made them at the same moment
END
$$;

-- Columns are those of the eventsourcing library's recorder; notification_id is the ledger's position.
CREATE TABLE ledger.events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL CHECK (originator_version > 0),
    topic text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL CHECK (notification_id > 0),
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_analyze_scale_factor = 0.05);
CREATE UNIQUE INDEX events_notification_id_idx ON ledger.events (notification_id);

CREATE TABLE ledger.submissions (
    submitter text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    stream_id uuid NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (submitter, reference)
);

-- What decisions remember. revision = position of the event that last changed the row.
CREATE TABLE ledger.state (
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    data bytea NOT NULL CHECK (octet_length(data) <= 4096),
    PRIMARY KEY (kind, key)
) WITH (fillfactor = 75);

-- One row: the decider's fencing number. Every append compares it, so a process that lost the lease cannot append.
CREATE TABLE ledger.lease (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    number bigint NOT NULL
);
INSERT INTO ledger.lease (number) VALUES (0);

-- One row: what this store is. A process that brings another secret, source or configuration is refused.
CREATE TABLE ledger.store (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    source text COLLATE "C" NOT NULL,
    store_id uuid NOT NULL,
    secret_fingerprint text NOT NULL,
    configuration_digest text NOT NULL,
    configuration jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Runs of `onecard submit`: how far an input has been decided, so that a kill changes no outcome.
CREATE TABLE ledger.runs (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    input_bytes bigint NOT NULL,
    input_sha256 bytea NOT NULL,
    next_line bigint NOT NULL,
    head_before bigint NOT NULL,
    finished boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX runs_unfinished ON ledger.runs (input_bytes) WHERE NOT finished;
CREATE TABLE ledger.run_rejects (
    run_id bigint NOT NULL REFERENCES ledger.runs ON DELETE CASCADE,
    line bigint NOT NULL,
    code text NOT NULL,
    field text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (run_id, line)
);

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER submissions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.submissions
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

CREATE FUNCTION ledger.lock_appends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1663, 2);
    RETURN NULL;
END
$$;
CREATE TRIGGER events_one_appender BEFORE INSERT ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.lock_appends();

-- Dense positions, asserted a second time on the side of the store.
CREATE FUNCTION ledger.refuse_holes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    low bigint;
    high bigint;
    n bigint;
BEGIN
    SELECT min(notification_id), max(notification_id), count(*) INTO low, high, n FROM added;
    IF n > 0 AND (high - low + 1 <> n
        OR (low > 1 AND NOT EXISTS (SELECT FROM ledger.events WHERE notification_id = low - 1))) THEN
        RAISE EXCEPTION 'positions % to % of % events leave a hole', low, high, n USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER events_dense AFTER INSERT ON ledger.events REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_holes();

-- First statement of every append: takes the append lock, then compares the lease number.
CREATE FUNCTION ledger.begin_append(lease_number bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1663, 2);
    IF NOT EXISTS (SELECT FROM ledger.lease WHERE number = lease_number) THEN
        RAISE EXCEPTION 'the decider lease % has passed on', lease_number USING ERRCODE = 'lock_not_available';
    END IF;
END
$$;

-- A new holder waits for an append in flight, then fences everyone before it.
CREATE FUNCTION ledger.take_lease() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    taken bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(1663, 2);
    UPDATE ledger.lease SET number = number + 1 RETURNING number INTO taken;
    RETURN taken;
END
$$;

GRANT USAGE ON SCHEMA ledger TO onecard_writer, onecard_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO onecard_writer, onecard_reader;
GRANT INSERT ON ledger.events, ledger.submissions TO onecard_writer;
GRANT INSERT, UPDATE ON ledger.state, ledger.runs TO onecard_writer;
GRANT INSERT, DELETE ON ledger.run_rejects TO onecard_writer;
GRANT UPDATE ON ledger.lease TO onecard_writer;
