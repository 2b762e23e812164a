"""Numbers to decisions: distance, accuracy, benchmark, result. NumPy only: no SQL, no pictures, no Dagster."""
