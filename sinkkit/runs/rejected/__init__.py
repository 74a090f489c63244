"""What became of rows one by one: dead letters, replays, batches on hold, receipts."""
