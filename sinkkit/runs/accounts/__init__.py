"""What the journal says of runs and loads, for people and programs, and what of it is let go."""
