"""Verification by the protocol of LFW: pairs of images, error rates, calibration, and a report."""
