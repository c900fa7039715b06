"""Files and what their names mean: items entered once, imports resolved relative to the file, cycles refused."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from dlc.diagnostics import Collector, DlcError, Label, Source, Span, suggestion
from dlc.language import ast
from dlc.language.elaborate.context import head
from dlc.language.elaborate.values import POISON, BlockRef, FnRef, Item, ModelRef, Module
from dlc.language.files import load_source
from dlc.language.parse import parse

FILES = 200
"""Files that one program may import."""


class Library:
    """The files of one program, each read once."""

    def __init__(self, report: Collector) -> None:
        self.report = report
        self.modules: dict[Path, Module | None] = {}
        self.reading: list[Path] = []

    def read(self, source: Source) -> Module | None:
        """The module of a source; None after reporting that it can't be parsed."""
        place = Path(source.path).resolve()
        try:
            tree = parse(source)
        except DlcError as error:
            self.report.take(error)
            self.modules[place] = None
            return None
        module = Module(source, tree)
        self.modules[place] = module
        self.reading.append(place)
        for item in tree.items:
            self._enter(module, item)
        self.reading.pop()
        return module

    def _enter(self, module: Module, item: ast.Item) -> None:
        if isinstance(item, ast.LayoutDecl):
            if module.layout is not None:
                self.report.error("E0251", "the layout is declared twice", item.span, expected="one `layout` line")
            module.layout = item.name
        elif isinstance(item, ast.WeightsDecl):
            if module.weights is not None:
                self.report.error(
                    "E0251",
                    "the weights are declared twice",
                    item.span,
                    expected="one `weights` line",
                    labels=(Label(module.weights.span, "the first one"),),
                )
            module.weights = item
        elif isinstance(item, ast.ImportDecl):
            self._import(module, item)
        elif isinstance(item, ast.TrainDecl):
            module.recipes.append(item)
        elif isinstance(item, ast.ModelDecl):
            self._name(module, item.name, ModelRef(item), item.span)
            module.models.setdefault(item.name, item)
        else:
            reference: Item = BlockRef(item, module) if isinstance(item, ast.BlockDecl) else FnRef(item, module)
            self._name(module, item.name, reference, item.span)

    def _name(self, module: Module, name: str, item: Item, span: Span) -> None:
        other = module.places.get(name)
        if other is not None:
            place = head(span, name)
            self.report.error(
                "E0323",
                f"`{name}` is defined twice",
                place,
                expected="one definition of each name",
                labels=(Label(head(other, name), "the first one"),),
                hint="give one of them another name",
            )
            return
        module.items[name] = item
        module.places[name] = span

    def _import(self, module: Module, node: ast.ImportDecl) -> None:
        found = self._file(module, node)
        for wanted in node.names:
            name = wanted.alias or wanted.name
            if found is None:
                module.items.setdefault(name, POISON)
                continue
            item = found.items.get(wanted.name)
            if item is None or isinstance(item, ModelRef):
                module.items.setdefault(name, POISON)
            if item is None:
                self.report.error(
                    "E0322",
                    f'"{node.path}" has no `{wanted.name}`',
                    wanted.span,
                    found=wanted.name,
                    expected=", ".join(list(found.items)[:12]) or "a file with blocks",
                    hint=suggestion(wanted.name, found.items),
                )
            elif isinstance(item, ModelRef):
                self.report.error(
                    "E0322",
                    f"`{wanted.name}` is a model; only blocks and functions are imported",
                    wanted.span,
                    expected="a block or a function",
                    found=f"the model {wanted.name}",
                    hint="move what is shared into a block, and call it from both models",
                )
            else:
                self._name(module, name, item, wanted.span)

    def _file(self, module: Module, node: ast.ImportDecl) -> Module | None:
        """The imported module. Reports E0320 for a file that is not there, E0321 for a cycle."""
        if PurePosixPath(node.path).is_absolute() or "\\" in node.path or "\0" in node.path:
            self.report.error(
                "E0320",
                "an import is relative to its file",
                node.span,
                found=node.path,
                expected='a path such as "blocks.dl" or "../parts/blocks.dl"',
            )
            return None
        place = (Path(module.source.path).parent / node.path).resolve()
        if place in self.reading:
            cycle = [p.name for p in self.reading[self.reading.index(place) :]]
            self.report.error(
                "E0321",
                "files import one another in a circle",
                node.span,
                expected="imports without a circle",
                found=" -> ".join([*cycle, place.name]),
                hint="move what both need into a third file",
            )
            return None
        if place in self.modules:
            return self.modules[place]
        if not place.is_file() or len(self.modules) >= FILES:
            missing = not place.is_file()
            near = [p.name for p in place.parent.glob("*.dl")] if missing and place.parent.is_dir() else []
            self.report.error(
                "E0320",
                f'there is no file "{node.path}"' if missing else f"more than {FILES} files are imported",
                node.span,
                expected=f"a file at {shown(module, node.path)}" if missing else f"at most {FILES} files",
                hint=suggestion(place.name, near) or "the path is relative to the file that imports",
            )
            self.modules[place] = None
            return None
        try:
            source = load_source(str(Path(module.source.path).parent / node.path))
        except DlcError as error:
            self.report.take(error)
            return None
        return self.read(source)


def shown(module: Module, path: str) -> str:
    """The place of an import as people would type it."""
    parent = Path(module.source.path).parent
    return str(path if str(parent) == "." else parent / path)
