"""Measurements: what the pipeline does, in figures that a command prints."""
