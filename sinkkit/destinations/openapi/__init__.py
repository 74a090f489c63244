"""OpenAPI documents: whether the requests that a destination would make fit what an API says of itself."""
