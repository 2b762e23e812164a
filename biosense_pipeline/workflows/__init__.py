"""What each stage does, told once and without Dagster: the command line and the assets both call it."""
