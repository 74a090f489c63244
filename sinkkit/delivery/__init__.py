"""Data out: which batch is called when, what its answer means, and what the journal is told."""
