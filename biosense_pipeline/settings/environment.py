"""What all settings are read from."""

from pathlib import Path

ENV_PREFIX = "BIOSENSE_"


def project_folder() -> Path:
    """The checkout this package was installed from, or else the current folder."""
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "workspace.yaml").exists() else Path.cwd()
