"""Calibrations: what they are made of, and which is in force."""
