"""Tests of biosense_pipeline.matching: distances, percentages, results and benchmarks."""
