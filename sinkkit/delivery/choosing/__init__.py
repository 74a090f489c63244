"""Which rows make a batch where they are not simply the next ones: by key, by size."""
