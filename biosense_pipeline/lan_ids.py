"""LAN ids are data: a Windows domain, a backslash and a name, written by clients we do not control."""

import hashlib

#: Characters that ``employee.lan_id`` holds.
LONGEST = 512


def agent_key(lan_id: str | None) -> str:
    """What two spellings of one agent have in common: Windows names ignore case, MySQL trailing spaces."""
    return (lan_id or "").rstrip(" ").casefold()


def registered_form(lan_id: str | None) -> str:
    """How the agent is entered in ``employee``: as written, or shortened to a name that is still unique.

    It is shortened where one of the agent's spellings would not fit: all have to come to the same name.
    """
    key = agent_key(lan_id)
    if len(key) <= LONGEST:
        return (lan_id or "").rstrip(" ")
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: LONGEST - len(digest) - 1]}#{digest}"
