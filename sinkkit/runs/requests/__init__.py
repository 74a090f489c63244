"""What a run asks of its destination, to look at: kept requests, dry runs, sending one again."""
