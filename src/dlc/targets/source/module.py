"""The file: header, imports that are used, helper functions, a class per block, and what the framework puts last."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import wrap as fill

from dlc.ir.graph import Graph, Program
from dlc.targets.source.body import INDENT
from dlc.targets.source.captures import uncapture
from dlc.targets.source.code import plain
from dlc.targets.source.dialect import Dialect
from dlc.targets.source.fragment import Fragment, write_fragment
from dlc.targets.source.layout import LIMIT, wrap
from dlc.targets.source.names import class_name, prose
from dlc.targets.source.reconcile import order, reconcile
from dlc.targets.source.shared import separate
from dlc.targets.source.unify import Class, Classes, Renderer


@dataclass(frozen=True)
class Style:
    """How a framework's file looks.

    base: the base class. method: the name of the method that computes. imports: the line for every name that is
    imported, in the order of the file. initialise: the call of the base class' `__init__`; `rest` stands at the end of
    the parameters of `__init__`, such as `**kwargs`. footer: source after the classes, given the name of the model's.
    entry_base: the base class of the model itself, where it is another one. decorator: the line before every class.
    explicit: every class has an `__init__`, also one without members. methods: lines at the end of every class.
    layers_in_regions: layers inside a `cond` or a loop are members; otherwise they are written as functions of weights
    that exist before.
    """

    base: str
    method: str
    imports: Mapping[str, str]
    footer: Callable[[str], str]
    initialise: str = "super().__init__()"
    rest: str = ""
    entry_base: str = ""
    decorator: str = ""
    explicit: bool = False
    layers_in_regions: bool = False
    methods: tuple[str, ...] = ()


def write_source(program: Program, dialect: Dialect, style: Style) -> str:
    """The text of model.py. The blocks of the program are changed (see `reconcile`): give a copy."""
    def kinds(trial: Program) -> dict[Graph, object]:
        if style.layers_in_regions:
            uncapture(trial)
        found, numbers = _classes(trial, dialect, style)
        return {g: (found.of[i][0].name, tuple(s.text for s in found.of[i][1])) for g, i in numbers.items()}

    separate(program, kinds)
    if style.layers_in_regions:
        uncapture(program)
    classes, index = _classes(program, dialect, style)
    settled = classes.settle()
    entry = classes.of[index[program.entry]][0]
    helpers = dict.fromkeys(h for one in settled for f in one.fragments for h in f.helpers)
    parts = [_helper(plain(h)) for h in helpers]
    parts += [_class(one, Renderer(one, classes.of), style, is_entry=one is entry) for one in settled]
    parts.append(style.footer(entry.name))
    text = "\n\n\n".join(parts)
    header = _docstring(_about(program), "")
    imports = _imports(text, style.imports)
    return "\n".join([*header, "", *imports, "", "", text]) + "\n"


_STANDARD = re.compile(r"(import|from) (math|operator|pathlib|__future__|typing|collections)\b")


def _about(program: Program) -> str:
    """The doc of the model, and what it assumes about sizes."""
    doc = program.entry.doc or f"{class_name(program.entry.name)}."
    assumed = [str(a) for a in program.assumptions]
    return f"{doc}\n\nSizes: {', '.join(dict.fromkeys(assumed))}." if assumed else doc


def _classes(program: Program, dialect: Dialect, style: Style) -> tuple[Classes, dict[Graph, int]]:
    """The code of every graph, gathered into classes; and the number of every graph."""
    optional = reconcile(program)
    index = {graph: i for i, graph in enumerate(order(program, optional))}
    classes = Classes([*style.imports, "load"], dialect.unsafe)
    for graph, number in index.items():
        classes.add(number, write_fragment(graph, index, dialect, optional))
    return classes, index


def _imports(text: str, known: Mapping[str, str]) -> list[str]:
    """The import lines of the names that occur, standard library first, groups parted by an empty line."""
    used = _merged([line for name, line in known.items() if re.search(rf"(?<![\w.]){re.escape(name)}\b", text)])
    groups: list[list[str]] = [[], []]
    for line in dict.fromkeys(used):
        groups[0 if _STANDARD.match(line) else 1].append(line)
    future = [line for line in groups[0] if "__future__" in line]
    standard = [line for line in groups[0] if "__future__" not in line]
    lines: list[str] = []
    for group in (future, standard, groups[1]):
        lines += ["", *group] if lines and group else group
    return lines


def _merged(lines: list[str]) -> list[str]:
    """Imports from one module in one line."""
    found: dict[str, list[str]] = {}
    for line in lines:
        head, joint, name = line.partition(" import ")
        found.setdefault(head + joint if line.startswith("from ") else line, []).append(name)
    return [head + ", ".join(names) if head.startswith("from ") else head for head, names in found.items()]


def _helper(source: str) -> str:
    return "\n".join(piece for line in source.splitlines() for piece in wrap(line))


def _docstring(text: str, indent: str) -> list[str]:
    """A docstring of that text, its lines broken at the limit."""
    lines: list[str] = []
    for line in prose(text).splitlines():
        lines += fill(line, LIMIT - len(indent) - 6) or [""]
    if not lines:
        return []
    if lines[-1].endswith('"'):
        lines[-1] += " "
    if lines[0].startswith('"'):
        lines[0] = " " + lines[0]
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}".rstrip() for line in lines[1:]), f'{indent}"""']


def _class(one: Class, renderer: Renderer, style: Style, *, is_entry: bool) -> str:
    fragment = one.fragments[0]
    construction = renderer.construction()
    body = renderer.lines()
    returned = renderer.returned()
    base = style.entry_base if is_entry and style.entry_base else style.base
    lines = [*([style.decorator] if style.decorator else []), f"class {one.name}({base}):"]
    documented = _docstring(_class_doc(fragment, is_entry=is_entry), INDENT)
    lines += [*documented, ""] if documented else []
    lines += _initialiser(one, [*construction, *(f"self.{p} = {p}" for p in renderer.stored)], style)
    lines += _signature(fragment, style, is_entry=is_entry)
    for line in body:
        if not line.text.strip():
            lines += [""] if lines[-1] and not lines[-1].endswith("):") else []
            continue
        text = f"{INDENT * 2}{line.text}"
        comment = f"  # {line.comment}" if line.comment else ""
        lines += [text + comment] if len(text + comment) <= LIMIT else wrap(text)
    lines += wrap(f"{INDENT * 2}return {', '.join(returned)}") if returned else []
    lines += ["", *(f"{INDENT}{line}" for line in style.methods)] if style.methods else []
    return "\n".join(lines)


def _class_doc(fragment: Fragment, *, is_entry: bool) -> str:
    return "" if is_entry else fragment.graph.doc


def _initialiser(one: Class, statements: list[str], style: Style) -> list[str]:
    if not statements and not one.parameters and not style.explicit:
        return []
    parameters = ["self", *(p.name + (f"={p.default}" if p.default else "") for p in one.parameters)]
    parameters += [style.rest] if style.rest else []
    lines = wrap(f"{INDENT}def __init__({', '.join(parameters)}):")
    lines.append(f"{INDENT * 2}{style.initialise}")
    lines += [piece for s in statements for piece in wrap(f"{INDENT * 2}{s}")]
    return [*lines, ""]


def _signature(fragment: Fragment, style: Style, *, is_entry: bool) -> list[str]:
    """The head of the method; the model's own has a line for every input with its type and comment."""
    arguments = [a.name + (f"={a.default}" if a.default else "") for a in fragment.arguments]
    if not is_entry or not fragment.arguments:
        return wrap(f"{INDENT}def {style.method}({', '.join(['self', *arguments])}):")
    lines = [f"{INDENT}def {style.method}(", f"{INDENT * 2}self,"]
    for argument, text in zip(fragment.arguments, arguments, strict=True):
        lines.append(f"{INDENT * 2}{text},  # {prose(argument.comment).splitlines()[0]}")
    return [*lines, f"{INDENT}):"]
