"""Rows given → rows that a destination wants: rename, select, constants, paths, templates, defaults, casts."""
