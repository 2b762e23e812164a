"""Findings that people look at: the queue, their verdicts, and what these amount to."""
