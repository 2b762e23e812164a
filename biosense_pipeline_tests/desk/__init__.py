"""Tests of the desk, asked as browsers ask it."""
