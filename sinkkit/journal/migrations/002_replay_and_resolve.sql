ALTER TABLE packages ADD COLUMN replay INTEGER NOT NULL DEFAULT 0;
CREATE INDEX open_replays ON packages (load_id) WHERE replay = 1 AND completed_at IS NULL;
ALTER TABLE batches ADD COLUMN held_at REAL;
ALTER TABLE receipts ADD COLUMN delivered_at REAL;
CREATE TABLE schemas (
    load_id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    schema TEXT NOT NULL,
    PRIMARY KEY (load_id, table_name)
);
ALTER TABLE rejected RENAME TO rejected_before;
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
INSERT INTO rejected (id, load_id, table_name, row_index, row, reason, error, status, attempts, rejected_at)
SELECT id, load_id, table_name, row_index, row, reason, error, status, attempts, rejected_at FROM rejected_before ORDER BY rowid;
DROP TABLE rejected_before;
CREATE INDEX rejected_of_package ON rejected (load_id);
CREATE UNIQUE INDEX rejected_taken ON rejected (taken_by, table_name, taken_index) WHERE taken_by IS NOT NULL
