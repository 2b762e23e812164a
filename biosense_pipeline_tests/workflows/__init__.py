"""Tests of biosense_pipeline.workflows: the main job on both servers."""
