ALTER TABLE jobs ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE packages ADD COLUMN schema_version INTEGER;
CREATE TABLE schema_versions (
    version INTEGER PRIMARY KEY,
    dataset TEXT NOT NULL,
    hash TEXT NOT NULL,
    schema TEXT NOT NULL,
    load_id TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX schema_versions_of ON schema_versions (dataset, version)
