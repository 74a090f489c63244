ALTER TABLE packages ADD COLUMN source TEXT;
ALTER TABLE packages ADD COLUMN begun_at REAL;
ALTER TABLE packages ADD COLUMN first_call_at REAL;
ALTER TABLE packages ADD COLUMN handed_to TEXT;
ALTER TABLE packages ADD COLUMN exported_at REAL;
ALTER TABLE packages ADD COLUMN imported_from TEXT;
ALTER TABLE packages ADD COLUMN imported_at REAL;
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
