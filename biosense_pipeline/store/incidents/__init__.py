"""Incidents and the states they follow from: stored by analyses, read by the desk and by checks."""
