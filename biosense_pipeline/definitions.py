"""The code location that workspace.yaml names."""

from biosense_pipeline.build import build_definitions

defs = build_definitions()
