"""Passwords, and who may try one how often."""

import logging
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from biosense_pipeline.codes import Action
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.users.accounts import LONGEST_NAME, StoredUser, find_user, replace_hash, user_key
from biosense_pipeline.store.users.audit import Attempt, attempts_since

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024
#: Failed sign-ins within the window after which no more are tried, for one name and from one address.
WINDOW = timedelta(minutes=15)
MOST_FOR_NAME, MOST_FROM_ADDRESS = 5, 20

_log = logging.getLogger(__name__)
#: Argon2id with the library's defaults, the second recommendation of RFC 9106: 64 MiB, three passes.
_HASHER = PasswordHasher()


def hash_password(name: str, password: str) -> str:
    """The hash to store.

    Raises:
        WrongUse: the password is too short, too long, or the name.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise WrongUse(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters: choose another.")
    if user_key(password) == user_key(name):
        raise WrongUse("The password is the name: choose another.")
    return _HASHER.hash(password)


def user_with_password(database: Database, name: str, password: str) -> StoredUser | None:
    """The active user of that name, if the password is right.

    A name that does not exist takes as long as a wrong password: another hash is computed in its stead.
    """
    nobodys_hash = _nobodys_hash()  # made before it is needed, or the first unknown name would take longer
    user = find_user(database, name)
    right = _verify(user.password_hash if user else nobodys_hash, password[: LONGEST_PASSWORD + 1])
    if user is None or not right or not user.active:
        return None
    if _HASHER.check_needs_rehash(user.password_hash):
        return replace_hash(database, user, _HASHER.hash(password))
    return user


def seconds_to_wait(database: Database, name: str, address: str, now: datetime) -> int:
    """How long until this name and this address may try to sign in, by the failures in the audit log; 0: at once."""
    failures = attempts_since(database, Action.SIGN_IN_FAILED, now - WINDOW)
    key = user_key(name)[:LONGEST_NAME]
    for_name = [failure for failure in failures if failure.user_name == key]
    from_address = [failure for failure in failures if failure.address == address]
    free_again = max(_free_again(for_name, MOST_FOR_NAME, now), _free_again(from_address, MOST_FROM_ADDRESS, now))
    return math.ceil((free_again - now).total_seconds())


def _free_again(failures: Sequence[Attempt], most: int, now: datetime) -> datetime:
    """When fewer than ``most`` of the failures, oldest first, are left in the window."""
    return failures[-most].at + WINDOW if len(failures) >= most else now


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except InvalidHashError:
        _log.error("A password hash in desk_user cannot be read: give that user another password.")
        return False
    except VerificationError:
        return False


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash("nobody has this password")
