"""Recaptures, prints and screens, synthesised from genuine pictures, and the scores that are trained on them."""
