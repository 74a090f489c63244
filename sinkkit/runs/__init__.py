"""The whole run, wired by hand: extract, normalize, load, and the report of what happened."""
