"""Pixels to numbers: decode, detect, align, encode. Neither SQL nor Dagster.

dlib and face_recognition are imported inside functions only: whoever loads the code location must not
load a model.
"""
