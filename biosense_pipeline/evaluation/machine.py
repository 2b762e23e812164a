"""What a figure was measured on."""

import os
import platform


def machine() -> str:
    """Cores, processor architecture and Python, in a line."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
