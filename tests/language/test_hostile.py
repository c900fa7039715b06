"""Sources made to do harm: each ends in one clear error, or parses, in bounded time."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlc.diagnostics import DlcError, Source
from dlc.language.files import decode, load_source
from dlc.language.format import format
from dlc.language.parse import parse

N = 100_000
HEAD = "dl 1\nmodel M {\n  x = "


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """A source that never ends is stopped after a minute of the processor, and fails."""
    def stop(*arguments: object) -> None:
        raise TimeoutError("the source was still at work after 60 s of the processor")
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def codes(text: str) -> list[str]:
    with pytest.raises(DlcError) as caught:
        parse(Source("hostile.dl", text))
    assert len(str(caught.value)) < 100_000
    return [one.code for one in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HEAD + "(" * N, "E0112"),
        (HEAD + "[" * N + "]" * N, "E0112"),
        (HEAD + "{" * N, "E0112"),
        (HEAD + "f(" * N + ")" * N + "\n}", "E0112"),
        (HEAD + "if a { " * N + "}" * N + "\n}", "E0112"),
        (HEAD + "+".join("a" * N) + "\n}", "E0112"),
        (HEAD + "**".join("a" * N) + "\n}", "E0112"),
        (HEAD + "-" * N + "a\n}", "E0112"),
        (HEAD + "not " * N + "a\n}", "E0112"),
        (HEAD + "a" + ".b" * N + "\n}", "E0112"),
        (HEAD + "a" + "[0]" * N + "\n}", "E0112"),
        (HEAD + "1" * N + "\n}", "E0108"),
        (HEAD + "a\0b\n}", "E0104"),
        (HEAD + "a\rb\n}", "E0104"),
        (HEAD + "a # \u202e\n}", "E0104"),
        ("x" * (17 * 2**20), "E0103"),
    ],
    ids=lambda value: value if len(value) < 9 else "",
)
def test_one_clear_error(text: str, code: str) -> None:
    """Too deep, too long, too large, or not to be seen: one error that says so."""
    assert codes(text) == [code]


@pytest.mark.parametrize("text", ["$" * N, ")" * N, '"' * N, "x " * N, "@" * N, "|> " * N, "= \n" * N, "}" * N])
def test_many_errors_are_counted(text: str) -> None:
    """However much is wrong, at most twenty errors and a count are given."""
    assert 1 <= len(codes(HEAD + text)) <= 21


def test_long_flat_sources_parse() -> None:
    """Length alone is no harm: long lists, pipes, else-if chains and strings."""
    parse(Source("t", HEAD + "[" + "1, " * N + "]\n}"))
    parse(Source("t", HEAD + "a" + " |> f" * N + "\n}"))
    parse(Source("t", HEAD + "1\n" + "if a { } else " * 20_000 + "{ }\n}"))
    parse(Source("t", HEAD + '"' + "\\\\" * N + '"\n}'))


def test_files_are_decoded(tmp_path: Path) -> None:
    """A byte-order mark and Windows line ends change nothing."""
    path = tmp_path / "a.dl"
    text = "dl 1\n# é 😀\nlayout NCHW\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_source(path).text == text
    assert (
        parse(load_source(path))
        == parse(Source("t", text))
        == parse(Source("t", "\ufeff" + text.replace("\n", "\r\n")))
    )


@pytest.mark.parametrize(
    ("data", "code"), [(b"dl 1\n# \xff\n", "E0102"), ("dl 1\n".encode("utf-16"), "E0102"), (b"\xed\xa0\x80", "E0102")]
)
def test_files_that_are_not_text(data: bytes, code: str) -> None:
    """What is not UTF-8 is refused at the byte."""
    with pytest.raises(DlcError) as caught:
        decode(data, "a.dl")
    assert [one.code for one in caught.value.diagnostics] == [code]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """A missing file, a folder, a path that can't be, and a file that is too large are errors with a code."""
    large = tmp_path / "large.dl"
    with large.open("wb") as file:
        file.truncate(50 * 2**20)
    for path, code in ((tmp_path / "no.dl", "E0101"), (tmp_path, "E0101"), ("a\0b", "E0101"), (large, "E0103")):
        with pytest.raises(DlcError) as caught:
            load_source(path)
        assert [one.code for one in caught.value.diagnostics] == [code]


@pytest.mark.parametrize("seed", range(400))
def test_noise_ends_in_an_error_or_a_tree(seed: int) -> None:
    """Programs with words or characters lost or doubled raise nothing but DlcError, and format if they parse."""
    chance = random.Random(seed)
    base = (Path(__file__).parent / "noise.dl").read_text(encoding="utf-8")
    pieces = list(base) if seed % 2 else [word + " " for word in base.split(" ")]
    for _ in range(chance.randint(1, 12)):
        at, other = chance.randrange(len(pieces)), chance.randrange(len(pieces))
        if chance.random() < 0.5:
            pieces.pop(at)
        else:
            pieces.insert(at, pieces[other])
    text = "".join(pieces)
    try:
        tree = parse(Source("noise.dl", text))
    except DlcError as error:
        tree, said = None, str(error)
    if tree is None:
        assert said
        return
    assert parse(Source("t", format(text))) == tree
