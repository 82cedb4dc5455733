-- What following over topics needs: where to begin reading, what partitions are ahead of their view, and incidents.

-- recorded_at: of the event at that position, in microseconds; 0 if not known. Records of a source never become older,
-- so it leads to the place in every partition from which to read on.
ALTER TABLE views.tracking ADD COLUMN recorded_at bigint NOT NULL DEFAULT 0;

-- Partitions that a share of the work has brought further than the tracking row says: of the events in that partition,
-- all up to `position` are applied. `partitions`: how many there are, which says what partition an event is in.
CREATE TABLE views.shares (
    view text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    source text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    partitions integer NOT NULL,
    position bigint NOT NULL,
    recorded_at bigint NOT NULL,
    PRIMARY KEY (view, version, source, partition)
);

-- Why a view does not go on with a source: it stands at `position`, and what comes next is not what it must be.
-- The record is kept as it was read, byte by byte; a hole has none. At most one is open for a view and a source.
CREATE TABLE views.incidents (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    view text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    source text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    message text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    resumed_at timestamptz,
    topic text COLLATE "C",
    partition integer,
    record_offset bigint,
    timestamp_ms bigint,
    key bytea,
    value bytea,
    header_names bytea[],
    header_values bytea[]
);
CREATE UNIQUE INDEX ON views.incidents (view, version, source) WHERE resumed_at IS NULL;

GRANT SELECT ON views.shares, views.incidents TO onecard_reader;
