"""The tables, one module a subject; all share the catalogue of ``pipeline.Base``."""
