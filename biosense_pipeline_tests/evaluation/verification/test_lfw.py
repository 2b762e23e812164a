"""The file of pairs: both forms are read as they are, everything else is refused in a sentence that names the line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.evaluation.verification.lfw import (
    BadPairs,
    Pair,
    PersonImage,
    Protocol,
    parse_protocol,
    read_protocol,
)

NAMES = st.text(st.characters(categories=["L", "N", "P"], exclude_characters="/\\"), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..")
)
NUMBERS = st.integers(1, 99_999)


@st.composite
def protocols(draw: st.DrawFn) -> Protocol:
    """A protocol of either form."""
    folds, count = draw(st.one_of(st.none(), st.integers(1, 3))), draw(st.integers(1, 3))
    pairs: list[Pair] = []
    for _ in range(folds or 1):
        for genuine in [True] * count + [False] * count:
            first, *others = draw(st.lists(NAMES, min_size=2, max_size=2, unique=True))
            second = first if genuine else others[0]
            pairs.append(Pair(PersonImage(first, draw(NUMBERS)), PersonImage(second, draw(NUMBERS))))
    of_fold = None if folds is None else tuple(fold for fold in range(folds) for _ in range(2 * count))
    return Protocol(tuple(pairs), of_fold)


@given(
    protocols(),
    st.sampled_from(["\t", " ", "  \t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n \n"]),
)
def test_round_trip(protocol: Protocol, separator: str, line_end: str, tail: str) -> None:
    """A protocol written down in either form, however it is separated and ended, is read as it was."""
    assert parse_protocol(written(protocol, separator, line_end) + tail) == protocol


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, there is a protocol or the one error, in one line that names a line of the file."""
    assert read_or_refused(text)


@given(protocols(), st.data())
def test_any_damage_is_read_or_refused(protocol: Protocol, data: st.DataObject) -> None:
    """A file with a piece cut out or put in gives a protocol or the one error."""
    text = written(protocol, "\t", "\n")
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    assert read_or_refused(text[:begin] + data.draw(st.text(max_size=5)) + text[end:])


def test_names_as_they_come() -> None:
    """Names with hyphens, dots and letters of any language stay as they are, and name the image's path."""
    protocol = parse_protocol("1\nAnn-Marie_O'Neil_Jr.\t1\t12\r\nÅsa_Żółć 3 李_明 10000\r\n\r\n")
    assert [str(image.path) for image in protocol.images] == [
        "Ann-Marie_O'Neil_Jr./Ann-Marie_O'Neil_Jr._0001.jpg",
        "Ann-Marie_O'Neil_Jr./Ann-Marie_O'Neil_Jr._0012.jpg",
        "Åsa_Żółć/Åsa_Żółć_0003.jpg",
        "李_明/李_明_10000.jpg",
    ]
    assert [pair.genuine for pair in protocol.pairs] == [True, False]


def test_the_two_headers() -> None:
    """Folds and pairs give folds in order; a plain count gives none."""
    block = "a 1 2\na 1 b 1\n"
    assert parse_protocol("2 1\n" + 2 * block).folds == (0, 0, 1, 1)
    assert parse_protocol("1\n" + block).folds is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "a header is due"),
        ("pairs\n", 1, "a header is due"),
        ("10 300 5\n", 1, "a header is due"),
        ("0\n", 1, "a header is due"),
        ("-1\n", 1, "a header is due"),
        ("1\na 1 2\n", 2, "ends after 1 of 2 pairs"),
        ("999999 999999\na 1 2\n", 2, "ends after 1 of"),
        ("1\na 1 b 2\na 1 2\n", 2, "a pair of one person is due here, name i j, but there are 4 fields"),
        ("1\na 1 2\na 1 2\n", 3, "a pair of two people is due here, name1 i name2 j, but there are 3 fields"),
        ("1\na 1 2\na 1 a 2\n", 3, "names a twice"),
        ("1\n\n\na 1 2\na 1 b 1\nc 1 d 1\n", 6, "announces 2 pairs, and this is one more"),
        ("1\na 0 2\na 1 b 1\n", 2, "'0' is no number of an image"),
        ("1\na one 2\na 1 b 1\n", 2, "'one' is no number of an image"),
        ("1\na 1 ²\na 1 b 1\n", 2, "is no number of an image"),
        ("1\na 12345678 2\na 1 b 1\n", 2, "is no number of an image"),
        ("1\na\x00b 1 2\n", 2, "cannot be printed"),
        (f"1\n{'ü' * 121} 1 2\n", 2, "more than 240 bytes"),
    ],
)
def test_refused(text: str, line: int, words: str) -> None:
    """What does not follow the form is refused with the line and what is wrong there."""
    with pytest.raises(BadPairs, match=f"^pairs.txt, line {line}: ") as refused:
        parse_protocol(text)
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["..", ".", "../up", "a/b", "/etc", "..\\up", "C:\\x"])
def test_paths_are_no_names(name: str) -> None:
    """A name that would lead out of the folder of images is refused."""
    for text in (f"1\n{name} 1 2\na 1 b 1\n", f"1\na 1 2\na 1 {name} 1\n"):
        with pytest.raises(BadPairs, match="but a path"):
            parse_protocol(text)


def test_files(tmp_path: Path) -> None:
    """A file is read with or without the mark of its encoding; one that is no text or not there is refused."""
    file = tmp_path / "pairs.txt"
    file.write_bytes(b"\xef\xbb\xbf1\r\na 1 2\r\na 1 b 1\r\n")
    assert len(read_protocol(file).pairs) == 2
    file.write_bytes(b"1\n\xff\xfe 1 2\n")
    with pytest.raises(BadPairs, match="not text in UTF-8"):
        read_protocol(file)
    with pytest.raises(BadPairs, match="cannot be read"):
        read_protocol(tmp_path)


def test_without_images() -> None:
    """Leaving out an image leaves out its pairs and their folds, and nothing else."""
    protocol = parse_protocol("2 1\na 1 2\na 1 b 1\nc 1 2\nc 1 d 1\n")
    left = protocol.without({PersonImage("b", 1), PersonImage("c", 2)})
    assert [(str(pair.first), str(pair.second)) for pair in left.pairs] == [("a_0001", "a_0002"), ("c_0001", "d_0001")]
    assert left.folds == (0, 1)


def read_or_refused(text: str) -> bool:
    """Whether a text gives a protocol with pairs, or else the one error as it should be."""
    try:
        return bool(parse_protocol(text).pairs)
    except BadPairs as error:
        return str(error).startswith("pairs.txt, line ") and "\n" not in str(error)


def written(protocol: Protocol, separator: str, line_end: str) -> str:
    """A protocol as LFW writes it down."""
    if protocol.folds is None:
        header = [len(protocol.pairs) // 2]
    else:
        folds = len(set(protocol.folds))
        header = [folds, len(protocol.pairs) // folds // 2]
    rows: list[list[object]] = [[*header]]
    for pair in protocol.pairs:
        second = [pair.second.number] if pair.genuine else [pair.second.person, pair.second.number]
        rows.append([pair.first.person, pair.first.number, *second])
    return "".join(separator.join(map(str, row)) + line_end for row in rows)
