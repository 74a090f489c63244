"""Rows as objects of a class: what fits it, what does not and why."""
