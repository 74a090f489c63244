"""``sinkkit.destinations.rest``: rows to any HTTP API, from settings alone.

Settings become a request (``settings``, ``templates``, ``bodies``, ``requests``), an answer becomes an outcome
(``statuses``, ``answers``); ``destination`` sends the one and hands back the other. All decisions are pure functions.
"""
