"""The texts of the project that ``sinkkit init`` makes."""
