-- The reading side: how far each view has applied each source, and which version of a view is the live one.
-- The views' own tables are made by the views, one set a version, so that a rebuild fills the next beside the live one.

CREATE SCHEMA views;

CREATE TABLE views.live (
    view text COLLATE "C" PRIMARY KEY,
    version integer NOT NULL
);

-- position: of the last event applied. A page's transaction holds this row from reading it to moving it.
CREATE TABLE views.tracking (
    view text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    source text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (view, version, source)
);

GRANT USAGE ON SCHEMA views TO onecard_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA views GRANT SELECT ON TABLES TO onecard_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA views TO onecard_reader;
