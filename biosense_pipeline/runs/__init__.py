"""Runs of jobs: the hours they are partitioned by, the lanes they run in, and how it stands with them."""
