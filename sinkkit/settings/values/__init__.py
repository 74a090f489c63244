"""From what a provider holds to a value of the type asked for."""
