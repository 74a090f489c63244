"""Calls to coroutines: many slots on one event loop, and what must not block it."""
