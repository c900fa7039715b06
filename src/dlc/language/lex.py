"""Text to tokens: words, brackets, and which newlines count.

Brackets are matched here, so that the parser always sees balanced ones: an unclosed bracket is reported where it was
opened and closed by a token of no length. A token whose text was refused has the kind ``ERROR``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, TypeAlias

from dlc.diagnostics import Collector, Source
from dlc.language import wrong
from dlc.language.tables import Tables, load

Token: TypeAlias = tuple[str, str, int, int]
"""Kind, text, start, end."""

MAX_CHARACTERS = 16 * 2**20
MAX_TOKENS = 2_000_000
MAX_BRACKETS = 100
SOFT = frozenset(
    ("block", "dl", "fn", "from", "input", "layer", "layout", "model", "output", "param", "state", "train", "weights")
)
"""Words that are keywords only at the start of a line, before a word or a string."""
ITEMS = frozenset(("block", "fn", "from", "layout", "model", "train", "weights"))
PYTHON_WORDS = {"True": "true", "False": "false", "None": "none"}
FOREIGN = {"&&": "and", "||": "or", "!": "not"}
CLOSES = {"(": ")", "[": "]", "{": "}"}

_FOLLOWED = re.compile(r'[ \t]+(?:"|(?!(?:and|or)\b)[A-Za-z_0-9])')
_ARGUMENT = re.compile(r"[ \t]*=(?!=)")
_CALL = re.compile(r"[ \t]*\(")
_PATTERN = re.compile(r'[ \t]*\(\s*"')
_STARTS = re.compile(
    r"(?:(?:return|for|assert|assume)[ \t]+[A-Za-z_0-9(]"
    r"|(?:input|output|layer|param|state|block|fn|model|train)[ \t]+(?!(?:and|or)\b)[A-Za-z_]"
    r'|(?:from|weights)[ \t]+")'
)
_ITEM = re.compile(r"(?:block|fn|model|train)[ \t]+[A-Za-z_]\w*[ \t]*(?:[({]|for\b)")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069]|\r(?!\n)|.\ufeff"
)


class Comment(NamedTuple):
    """A comment with its ``#``; ``own`` if nothing but blanks stands before it on its line."""

    start: int
    end: int
    own: bool


@dataclass(frozen=True, slots=True)
class Lexed:
    """The tokens of a source, ``$END`` last; its comments; what ``##`` says about the token that starts at an offset.

    ``spoiled`` holds ranges of offsets in which a complaint was already made, so that the parser makes no second one.
    """

    tokens: list[Token]
    comments: list[Comment] = field(default_factory=list)
    docs: dict[int, str] = field(default_factory=dict)
    spoiled: list[tuple[int, int]] = field(default_factory=list)


@cache
def tables() -> Tables:
    """The parse tables, loaded once."""
    return load()


@cache
def _master() -> re.Pattern[str]:
    """One pattern for all tokens; blanks before a token belong to its match but not to its group."""
    patterns = tables().patterns
    operators = "|".join(re.escape(text) for text in tables().operators)
    parts = [
        ("NAME", patterns["NAME"]),
        ("COMPARISON", patterns["COMPARISON"]),
        ("MARK", operators),
        ("FLOAT", patterns["FLOAT"]),
        ("INT", patterns["INT"]),
        ("STRING", patterns["STRING"]),
        ("PRODUCT", patterns["PRODUCT"]),
        ("NEWLINE", patterns["NEWLINE"]),
        ("COMMENT", patterns["COMMENT"]),
        ("FOREIGN", r"&&|\|\||!"),
        ("SEMICOLON", ";"),
        ("OPEN", r'"[^\n]*'),
        ("SINGLE", r"'(?:[^'\\\n]|\\[^\n])*'?"),
        ("BAD", r"[^\sA-Za-z0-9_\"'#()\[\]{}]"),
        ("REST", r"\s"),
    ]
    return re.compile(r"[ \t]*(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in parts) + ")")


def lex(source: Source, report: Collector) -> Lexed:
    """The tokens of a source. Mistakes go to ``report``; those that leave nothing to parse are raised at once."""
    text = source.text
    if len(text) > MAX_CHARACTERS:
        wrong.too_large(report, source, f"{len(text):,} characters", f"{MAX_CHARACTERS:,} characters")
    hidden = _HIDDEN.search(text)
    if hidden:
        wrong.hidden_character(report, source, hidden.end() - 1)
    return _Lexer(source, report).run()


class _Lexer:
    """The state of one run."""

    def __init__(self, source: Source, report: Collector) -> None:
        self.source = source
        self.text = source.text
        self.report = report
        self.tokens: list[Token] = []
        self.comments: list[Comment] = []
        self.docs: dict[int, str] = {}
        self.spoiled: list[tuple[int, int]] = []
        self.doc: list[str] = []
        self.open: list[tuple[str, int]] = []

    def run(self) -> Lexed:
        text, tokens, words = self.text, self.tokens, frozenset(tables().words)
        open_ = self.open
        append = tokens.append
        line = -1  # where the newline stands that has not become a token yet
        kind = before = "{"  # kinds of this token and the one before it
        begin = 1 if text.startswith("\ufeff") else 0
        for match in _master().finditer(text, begin):
            kind = match.lastgroup or ""
            start, end = match.span(kind)
            if kind == "COMMENT":
                self.comment(start, end)
                continue
            if kind == "NEWLINE":
                if line < 0:
                    line = start
                continue
            word = text[start:end]
            if kind == "MARK":
                kind = word
            if line >= 0:
                if open_ and open_[-1][0] != "{":
                    if kind == "NAME" and _STARTS.match(text, start):
                        self.unclosed(start)
                        before = ""
                elif open_ and kind == "NAME" and text[start - 1] == "\n" and _ITEM.match(text, start):
                    self.unclosed_braces(start)
                    before = ""
                if (not open_ or open_[-1][0] == "{") and before != "{" and kind not in _CONTINUES and word != "else":
                    append(("NEWLINE", "\n", line, line + 1))
                    before = "NEWLINE"
                line = -1
            if kind == "NAME":
                if word in words:
                    kind = self.keyword(word, end, before)
                elif word in PYTHON_WORDS and before != ".":
                    kind = wrong.python_word(self.report, self.source, word, start)
            elif kind in _SPECIAL:
                if kind in CLOSES:
                    open_.append((kind, start))
                    if len(open_) > MAX_BRACKETS:
                        wrong.too_deep(self.report, self.source, start, end)
                elif kind in ")]}":
                    if not self.close(kind, start, end):
                        continue
                else:
                    kind = self.special(kind, word, start, end)
                    if kind == "NEWLINE":
                        line = start if line < 0 else line
                        continue
            if self.doc:
                self.docs[start] = "\n".join(self.doc)
                self.doc.clear()
            append((kind, word, start, end))
            before = kind
        return self.finish()

    def finish(self) -> Lexed:
        size = len(self.text)
        if len(self.tokens) > MAX_TOKENS:
            wrong.too_large(self.report, self.source, f"{len(self.tokens):,} words", f"{MAX_TOKENS:,} words")
        if self.open:
            self.unclosed(size, all_of_them=True)
        self.tokens.append(("$END", "", size, size))
        return Lexed(self.tokens, self.comments, self.docs, self.spoiled)

    def comment(self, start: int, end: int) -> None:
        before = self.text[self.text.rfind("\n", 0, start) + 1 : start]
        own = not before.strip(" \t\ufeff")
        self.comments.append(Comment(start, end, own))
        if own and self.text.startswith("##", start):
            line = self.text[start + 2 : end].rstrip()
            self.doc.append(line.removeprefix(" "))

    def keyword(self, word: str, end: int, before: str) -> str:
        """The kind of a word that can be a keyword: itself or NAME."""
        if before == ".":
            return "NAME"
        inside = self.open and self.open[-1][0] != "{"
        if word in SOFT:
            starts = before in ("{", "NEWLINE", "") and not inside
            return word if starts and _FOLLOWED.match(self.text, end) else "NAME"
        if word in ("import", "as"):
            return word if before in ("STRING", "NAME") and not self.open else "NAME"
        if word == "repeat" and (_PATTERN if before == "|>" else _CALL).match(self.text, end):
            return "NAME"  # the operation, which has no count
        return "NAME" if inside and before in ("(", ",") and _ARGUMENT.match(self.text, end) else word

    def close(self, kind: str, start: int, end: int) -> bool:
        """Take a closing bracket; False if there is nothing that it closes and it must be dropped."""
        while self.open:
            top, at = self.open[-1]
            if CLOSES[top] == kind:
                self.open.pop()
                return True
            if not any(CLOSES[other] == kind for other, _ in self.open):
                break
            wrong.unclosed(self.report, self.source, top, at, start)
            self.force(start)
        if self.open and self.open[-1][0] != "{" and kind != "}":
            top, at = self.open[-1]
            wrong.mismatched(self.report, self.source, top, at, kind, start)
            self.force(start)
            return False
        wrong.stray(self.report, self.source, kind, start)
        self.spoiled.append((self.text.rfind("\n", 0, start) + 1, end))
        return False

    def unclosed(self, at: int, *, all_of_them: bool = False) -> None:
        """Report the innermost open bracket, and close it and what belongs to it: up to the next ``{``, or all."""
        top, opened = self.open[-1]
        wrong.unclosed(self.report, self.source, top, opened, at)
        while self.open and (all_of_them or self.open[-1][0] != "{"):
            self.force(at)

    def unclosed_braces(self, at: int) -> None:
        """An item starts at the first column of a line while a ``{`` is open."""
        top, opened = self.open[-1]
        wrong.unclosed(self.report, self.source, top, opened, at)
        while self.open:
            self.force(at)

    def force(self, at: int) -> None:
        """Close the innermost bracket with a token of no length."""
        top, opened = self.open.pop()
        self.tokens.append((CLOSES[top], "", at, at))
        self.spoiled.append((opened, at + 1))

    def special(self, kind: str, word: str, start: int, end: int) -> str:
        """What a piece stands for that is no word of the language, after complaining about it."""
        report, source = self.report, self.source
        if kind in ("INT", "FLOAT"):
            following = self.text[end : end + 2]
            if following[:1].isalnum() or following[:1] == "_" or (following[:1] == "." and following != ".."):
                return wrong.bad_number(report, source, start)
            return kind
        if kind == "FOREIGN":
            wrong.foreign_operator(report, source, word, start)
            return FOREIGN[word]
        if kind == "SEMICOLON":
            wrong.semicolon(report, source, start)
            return "NEWLINE"
        if kind == "OPEN":
            return wrong.unterminated(report, source, start, end)
        if kind == "SINGLE":
            return wrong.single_quotes(report, source, start, end)
        return wrong.unknown_character(report, source, start)


_CONTINUES = frozenset(("|>", "}"))
_SPECIAL = frozenset("([{)]}") | {"INT", "FLOAT", "FOREIGN", "SEMICOLON", "OPEN", "SINGLE", "BAD", "REST"}
