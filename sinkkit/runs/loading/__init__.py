"""Packages out: stages, what delivery asks of the rows, limits and signals around it."""
