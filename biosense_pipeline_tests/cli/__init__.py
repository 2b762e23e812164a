"""Tests of the biosense command, run as people run it."""
