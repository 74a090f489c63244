"""Text in files and the environment becomes typed values: secrets, providers, resolution, credentials, redaction."""
