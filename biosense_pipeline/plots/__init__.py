"""Small plots for metadata: numbers only, never a face, and below Dagster's comfortable size."""
