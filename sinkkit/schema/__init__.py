"""Columns and values: how rows are written as text, what their columns are, and in which form they are handed out."""
