"""What Dagster starts by itself: the sensors and the schedules, and which hours they find behind."""
