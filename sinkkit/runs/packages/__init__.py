"""Load packages of a pipeline: laid open, moved to another pipeline, given up."""
