"""Presentation attacks measured as ISO/IEC 30107-3 does: from folders of stills to error rates of this pipeline."""
