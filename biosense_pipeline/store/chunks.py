"""Long lists in short statements: the placeholders of one statement are limited, and so should its time be."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

#: Values named in one statement.
_MOST = 1000


def chunks(values: Sequence[T], most: int = _MOST) -> Iterator[Sequence[T]]:
    """The values in order, ``most`` at a time."""
    return (values[start : start + most] for start in range(0, len(values), most))
