CREATE TABLE packages (
    load_id TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    state TEXT NOT NULL,
    run_name TEXT,
    destination TEXT,
    created_at REAL NOT NULL,
    completed_at REAL
, replay INTEGER NOT NULL DEFAULT 0, source TEXT, begun_at REAL, first_call_at REAL, handed_to TEXT, exported_at REAL, imported_from TEXT, imported_at REAL, schema_version INTEGER);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    load_id TEXT NOT NULL REFERENCES packages,
    name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    first_index INTEGER NOT NULL,
    frontier INTEGER NOT NULL DEFAULT 0
, refused INTEGER NOT NULL DEFAULT 0);
CREATE INDEX jobs_of_package ON jobs (load_id);
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs,
    first_row INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    ranges TEXT,
    key TEXT NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL DEFAULT 0,
    not_before REAL,
    delivered INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    resent INTEGER NOT NULL DEFAULT 0,
    run INTEGER,
    calls INTEGER NOT NULL DEFAULT 0,
    metrics TEXT
, held_at REAL, note TEXT, batch_count INTEGER NOT NULL DEFAULT 1, batch_rows INTEGER NOT NULL DEFAULT 0);
CREATE INDEX open_batches ON batches (job) WHERE state <> 2 AND state <> 4;
CREATE TABLE folded (
    load_id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    extracted INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    resent INTEGER NOT NULL,
    PRIMARY KEY (load_id, table_name)
);
CREATE TABLE receipts (
    load_id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    row_index INTEGER NOT NULL,
    receipt TEXT NOT NULL
, delivered_at REAL);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    name TEXT,
    destination TEXT,
    started_at REAL NOT NULL,
    ended_at REAL,
    status TEXT NOT NULL,
    load_ids TEXT NOT NULL DEFAULT '[]',
    calls INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0,
    metrics TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE pauses (
    destination TEXT PRIMARY KEY,
    until REAL NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX open_replays ON packages (load_id) WHERE replay = 1 AND completed_at IS NULL;
CREATE TABLE schemas (
    load_id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    schema TEXT NOT NULL,
    PRIMARY KEY (load_id, table_name)
);
CREATE TABLE rejected (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    load_id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    row_index INTEGER NOT NULL,
    row BLOB NOT NULL,
    reason TEXT NOT NULL,
    error TEXT,
    status INTEGER,
    attempts INTEGER NOT NULL,
    rejected_at REAL NOT NULL,
    taken_by TEXT,
    taken_index INTEGER
);
CREATE INDEX rejected_of_package ON rejected (load_id);
CREATE UNIQUE INDEX rejected_taken ON rejected (taken_by, table_name, taken_index) WHERE taken_by IS NOT NULL
;
CREATE TABLE handed_over (
    load_id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (load_id, table_name)
);
CREATE TABLE handed_letters (
    load_id TEXT NOT NULL,
    letter BLOB NOT NULL
);
CREATE INDEX letters_handed ON handed_letters (load_id)
;
CREATE TABLE schema_versions (
    version INTEGER PRIMARY KEY,
    dataset TEXT NOT NULL,
    hash TEXT NOT NULL,
    schema TEXT NOT NULL,
    load_id TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX schema_versions_of ON schema_versions (dataset, version)
;
CREATE INDEX open_spans ON batches (batch_count) WHERE batch_count > 1 AND state <> 2 AND state <> 4

