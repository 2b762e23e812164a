"""The protocol of Labeled Faces in the Wild: which images are compared, and how pairs are dealt into folds.

A file of pairs has a header and then a line for each pair. The header ``10 300`` announces 10 folds, each
of 300 genuine pairs and then 300 impostor pairs; a plain ``1100`` announces a development file, 1,100
genuine and then 1,100 impostor pairs in no folds. A genuine pair is ``name i j``, an impostor pair
``name1 i name2 j``; image ``i`` of a person is ``<name>/<name>_%04d.jpg``. Tabs or spaces separate.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from biosense_pipeline.errors import WrongUse

#: Digits of a count or an image number: as many as any such file needs.
_NUMBER = re.compile(r"0*[1-9][0-9]{0,6}")
_SEPARATOR = re.compile(r"[ \t]+")
#: Bytes of a name: with the number and the ending a file name may have 255.
_LONGEST_NAME = 240


class BadPairs(WrongUse):
    """A file of pairs does not follow the form; the text names the line."""


@dataclass(frozen=True, order=True)
class PersonImage:
    """An image of a person, by number from 1."""

    person: str
    number: int

    @property
    def path(self) -> Path:
        """Where it lies below the folder of images."""
        return Path(self.person, f"{self}.jpg")

    def __str__(self) -> str:
        return f"{self.person}_{self.number:04d}"


@dataclass(frozen=True)
class Pair:
    """Two images that are compared."""

    first: PersonImage
    second: PersonImage

    @property
    def genuine(self) -> bool:
        """Whether both show the same person."""
        return self.first.person == self.second.person


@dataclass(frozen=True)
class Protocol:
    """The pairs of a file, in its order.

    Attributes:
        folds: the fold of each pair, from 0; None where the file is a development file.
    """

    pairs: tuple[Pair, ...]
    folds: tuple[int, ...] | None

    @property
    def images(self) -> list[PersonImage]:
        """Every image once, in order of first mention."""
        return list(dict.fromkeys(image for pair in self.pairs for image in (pair.first, pair.second)))

    def without(self, images: Set[PersonImage]) -> "Protocol":
        """The protocol without the pairs in which one of these images is."""
        kept = [not {pair.first, pair.second} & images for pair in self.pairs]
        return Protocol(
            tuple(compress(self.pairs, kept)), None if self.folds is None else tuple(compress(self.folds, kept))
        )


def read_protocol(file: Path) -> Protocol:
    """Read a file of pairs.

    Raises:
        BadPairs: it cannot be read, or does not follow the form.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadPairs(f"The file of pairs {file} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise BadPairs(f"{file} is not text in UTF-8: name LFW's pairs.txt or a file of its form.") from error
    return parse_protocol(text, file.name)


def parse_protocol(text: str, name: str = "pairs.txt") -> Protocol:
    """Parse the text of a file of pairs; blank lines do not count, and lines may end in CR LF.

    Args:
        name: what the file is called in errors.

    Raises:
        BadPairs: it does not follow the form; the text names the line.
    """
    lines = _lines(text, name)
    line, header = next(lines, (1, []))
    if len(header) not in (1, 2) or not all(_NUMBER.fullmatch(field) for field in header):
        raise line_error(
            name, line, "a header is due, folds and pairs of each kind such as 10 300, or pairs alone such as 1100"
        )
    folds, count = (1 if len(header) == 1 else int(header[0])), int(header[-1])
    pairs: list[Pair] = []
    for line, fields in lines:
        if len(pairs) == folds * 2 * count:
            raise line_error(name, line, f"the header announces {folds * 2 * count} pairs, and this is one more")
        genuine = len(pairs) % (2 * count) < count
        pairs.append(_pair(fields, genuine, name, line))
    if len(pairs) < folds * 2 * count:
        raise line_error(name, line, f"the file ends after {len(pairs)} of {folds * 2 * count} pairs")
    return Protocol(
        tuple(pairs),
        None if len(header) == 1 else tuple(position // (2 * count) for position in range(len(pairs))),
    )


def line_error(name: str, line: int, what: str) -> BadPairs:
    """What is wrong in a line of a file of pairs."""
    return BadPairs(f"{name}, line {line}: {what}. Use the file as LFW publishes it.")


def _lines(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.removesuffix("\r").strip(" \t")
        if any(not character.isprintable() for character in stripped.replace("\t", " ")):
            raise line_error(name, number, "there is a character that cannot be printed")
        if stripped:
            yield number, _SEPARATOR.split(stripped)


def _pair(fields: list[str], genuine: bool, name: str, line: int) -> Pair:
    form = "name i j" if genuine else "name1 i name2 j"
    if len(fields) != (3 if genuine else 4):
        kind = "one person" if genuine else "two people"
        raise line_error(name, line, f"a pair of {kind} is due here, {form}, but there are {len(fields)} fields")
    first, number, *second, second_number = fields
    pair = Pair(_image(first, number, name, line), _image(second[0] if second else first, second_number, name, line))
    if pair.genuine != genuine:
        raise line_error(name, line, f"a pair of two people names {first} twice")
    return pair


def _image(person: str, number: str, name: str, line: int) -> PersonImage:
    # A name becomes part of a path.
    if person in (".", "..") or any(character in person for character in "/\\"):
        raise line_error(name, line, f"{person!r} is no name of a person, but a path")
    if len(person.encode()) > _LONGEST_NAME:
        raise line_error(name, line, f"a name of more than {_LONGEST_NAME} bytes cannot be one of a file")
    if not _NUMBER.fullmatch(number):
        raise line_error(name, line, f"{number!r} is no number of an image: they count from 1")
    return PersonImage(person, int(number))
