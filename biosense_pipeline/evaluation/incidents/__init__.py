"""Simulated shifts: how often the test for incidents is wrong about agents who are there, and how soon it is right."""
