"""dlib's detector, made once a process."""

from functools import cache

import dlib


def keep_detector() -> None:
    """Let this process make dlib's HOG detector once: it takes half a second and is the same every time."""
    dlib.get_frontal_face_detector = cache(dlib.get_frontal_face_detector)
