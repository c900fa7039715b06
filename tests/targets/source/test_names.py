"""Foreign names become identifiers, class names and safe text."""

from __future__ import annotations

import ast
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc.targets.source.names import class_name, identifier, prose, quoted, unique


@given(st.text())
def test_identifier_is_always_usable(text: str) -> None:
    """Whatever the text, the result can be assigned to and hides no builtin."""
    name = identifier(text)
    assert name.isidentifier()
    assert name.isascii()
    assert not keyword.iskeyword(name)
    assert name not in ("input", "self", "print", "type")
    ast.parse(f"{name} = 1")


@given(st.text())
def test_class_name_is_always_usable(text: str) -> None:
    """Whatever the text, the result can name a class."""
    ast.parse(f"class {class_name(text)}: pass")


@pytest.mark.parametrize(("text", "expected"), [
    ("conv1", "conv1"), ("lambda", "lambda_"), ("input", "input_"), ("conv-1", "conv_1"), ("1x1", "x_1x1"),
])
def test_identifier_stays_near(text: str, expected: str) -> None:
    """A name is changed no more than it must be."""
    assert identifier(text, "x") == expected


@pytest.mark.parametrize(("text", "expected"), [("conv_norm", "ConvNorm"), ("GPT", "GPT"), ("3d", "Block3d")])
def test_class_name_is_in_cap_words(text: str, expected: str) -> None:
    """Words are joined with capitals; capitals inside stay."""
    assert class_name(text) == expected


@given(st.text())
def test_quoted_reads_back(text: str) -> None:
    """A string literal is the string again."""
    assert ast.literal_eval(quoted(text)) == text


@given(st.text())
def test_prose_cannot_end_a_docstring(text: str) -> None:
    """Foreign text inside a docstring stays inside."""
    tree = ast.parse(f'"""x {prose(text)} """\n')
    assert len(tree.body) == 1
    assert isinstance(tree.body[0], ast.Expr)


def test_unique_counts_up() -> None:
    """A taken name gets the first free number."""
    assert unique("x", {"x", "x2"}) == "x3"
    assert unique("y", {"x"}) == "y"


def test_ambiguous_letters_are_no_names() -> None:
    """Variables that look like numbers, which `ruff check` refuses, get an underscore."""
    assert [identifier(letter) for letter in "lOIx"] == ["l_", "O_", "I_", "x"]
