"""Tests of biosense_pipeline.vision: pictures, engines and worker processes."""
