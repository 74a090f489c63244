"""How many calls may start and when: windows, adaptive concurrency, the circuit, and limits that processes share."""
