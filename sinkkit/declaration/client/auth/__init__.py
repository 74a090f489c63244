"""How the injected client proves who it is: read from ``[destination.NAME.http.auth]``, and put on each request to its own host."""
