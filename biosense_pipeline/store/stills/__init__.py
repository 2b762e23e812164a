"""The path of a still: captured, claimed, decided, read, decided again, and summed up by hour."""
