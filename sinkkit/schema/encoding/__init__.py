"""Rows as text and back, every value as it was."""
