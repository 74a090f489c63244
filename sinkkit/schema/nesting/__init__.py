"""Nested rows as flat rows of several tables: dicts become columns, lists become child tables, keys tell which row belongs to which."""
