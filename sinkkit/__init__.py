"""sinkkit: decorate a function, and it becomes a destination that delivers every row once."""

__version__ = "0.1.0"
