"""Tests of what the desk's pages read."""
