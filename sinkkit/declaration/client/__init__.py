"""The injected HTTP client: what config says of it, and what it adds to each request."""
