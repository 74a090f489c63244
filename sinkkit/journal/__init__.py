"""Facts at rest: what became of every batch and row, durable and conditional."""
