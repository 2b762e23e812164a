"""Tests of biosense_pipeline.demo: the planned day and its seeding."""
