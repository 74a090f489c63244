"""From a name or a dotted path to the destination it means."""
