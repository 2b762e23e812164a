"""The names under which browsers ask for the desk: a request for another name was led here by somebody else."""

import ipaddress
import re

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import Settings

#: Names under which a browser on this machine asks.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_EVERYWHERE = {"0.0.0.0", "::", ""}
_NAME = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")


def host_names(settings: Settings, address: str) -> list[str]:
    """The names of a desk that listens at ``address``: the settings' and, where it is one, the address itself.

    Raises:
        WrongUse: a name is none, or there is none but "everywhere".
    """
    named = [name.strip() for name in settings.desk_hosts.split(",") if name.strip()]
    for name in named:
        if not _NAME.fullmatch(name):
            raise WrongUse(f"BIOSENSE_DESK_HOSTS holds {name!r}: give host names only, as desk.example.com.")
    if address not in _EVERYWHERE:
        named.append(f"[{address}]" if ":" in address else address)
    if not named:
        raise WrongUse(f"At {address} the desk has no name of its own: set BIOSENSE_DESK_HOSTS to what browsers use.")
    return sorted({*named, *LOOPBACK} if is_loopback(address) else set(named))


def is_loopback(name: str) -> bool:
    """Whether only this machine can ask under that name or address."""
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"
