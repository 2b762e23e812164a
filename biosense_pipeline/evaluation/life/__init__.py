"""How often frozen and looped feeds are found, how often live ones are taken for them, and proof of life."""
