"""Rows at rest: load packages, written once, sealed and never changed."""
