"""A function as a value: its signature, its settings, its name, and the protocol the engine knows it by."""
