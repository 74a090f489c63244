ALTER TABLE batches ADD COLUMN batch_count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE batches ADD COLUMN batch_rows INTEGER NOT NULL DEFAULT 0;
CREATE INDEX open_spans ON batches (batch_count) WHERE batch_count > 1 AND state <> 2 AND state <> 4
