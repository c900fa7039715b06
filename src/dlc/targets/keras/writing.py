"""The folder, model.py and weights.safetensors, or one `.keras` file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from dlc.diagnostics import Diagnostic, Unsupported
from dlc.ir.dim import Expr, Quotient
from dlc.ir.graph import Apply, Graph, Input, Program, Weight, regions
from dlc.ir.op import Composite, Problem
from dlc.ir.types import Array
from dlc.passes.layout import assign
from dlc.passes.lower import lower
from dlc.targets.keras.dialect import KerasDialect, layer_of
from dlc.targets.keras.one_file import save_file
from dlc.targets.keras.padding import separate_padding
from dlc.targets.keras.table import DTYPES, LAYERS, TABLE
from dlc.targets.keras.tensors import write_variables
from dlc.targets.keras.variables import Stored, constructor, has_dictionary, has_list, variables
from dlc.targets.source.code import literal
from dlc.targets.source.fragment import argument_names
from dlc.targets.source.layers import owned_weights
from dlc.targets.source.module import Style, write_source
from dlc.targets.source.names import identifier
from dlc.targets.target import Options

_IMPORTS = {
    "attrgetter": "from operator import attrgetter", "Path": "from pathlib import Path", "keras": "import keras",
    "layers": "from keras import layers", "ops": "from keras import ops",
    "load_file": "from safetensors.numpy import load_file",
}
_FIND = '''def find(layer, path):
    """What is reached from a layer by a path such as `blocks.0.conv.kernel`."""
    for part in path.split("."):
        layer = layer[int(part)] if part.isdigit() else getattr(layer, part)
    return layer


'''
_FIND_IN_DICTIONARIES = '''def find(layer, path):
    """What is reached from a layer by a path such as `blocks.0.conv.kernel`."""
    for part in path.split("."):
        if isinstance(layer, (list, dict)):
            layer = layer[int(part) if isinstance(layer, list) else part]
        else:
            layer = getattr(layer, part)
    return layer


'''


def write(program: Program, weights: Mapping[str, Array], where: Path, *, options: Options) -> list[str]:
    """Write a folder, or a `.keras` file. See `dlc.targets.target.Write`."""
    ready = prepare(program, weights, options)
    if where.suffix == ".keras":
        with TemporaryDirectory() as folder:
            write_folder(ready, Path(folder), options)
            return [*_notes(ready), *save_file(Path(folder), where, openly=_is_open(ready, Path(folder)))]
    write_folder(ready, where, options)
    return _notes(ready)


def prepare(program: Program, weights: Mapping[str, Array], options: Options) -> Program:
    """The program as it is written: channels last, and nothing in it but what Keras has. Raises Unsupported."""
    try:
        placed = assign(known(replace(program, values=weights)), "NHWC", options.io_layout)
        separate_padding(placed)
        lowered = lower(placed, is_kept(placed))
        while _can_be_lowered(lowered):
            lowered = lower(lowered, is_kept(lowered))
    except Problem as problem:
        raise Unsupported(Diagnostic("E0601", f"keras cannot express this: {problem.message}", None,
                                     expected=problem.expected, found=problem.found, hint=problem.hint)) from problem
    _require(lowered)
    return lowered


def _can_be_lowered(program: Program) -> bool:
    """Whether a composite is left that Keras has no form for, now that its neighbours have changed."""
    kept = is_kept(program)
    return any(isinstance(node, Apply) and isinstance(node.op, Composite) and not kept(node)
               for graph in program.graphs() for node in graph.walk())


def known(program: Program) -> Program:
    """The program in operations of which Keras has some form, before the layout is decided."""
    return lower(program, _has_entry)


def _has_entry(node: Apply) -> bool:
    """Whether some form of the operation exists; what it takes is decided when the layout is known."""
    return node.op.name in TABLE.entries or node.op.name in LAYERS or node.op.name in TABLE.refusals or node.op.spatial


def is_kept(program: Program) -> Callable[[Apply], bool]:
    """Whether a node is written as it is: as an expression, or as a layer of its own."""
    clashing = {node for graph in program.graphs() for node in _clashing(graph)}

    def kept(node: Apply) -> bool:
        as_layer = node not in clashing and owned_weights(node) is not None and layer_of(node) is not None
        return as_layer or TABLE.keeps(node)
    return kept


def _clashing(graph: Graph) -> list[Apply]:
    """Nodes that share their weights with a layer of another kind or other options."""
    first: dict[str, str | None] = {}
    found: list[Apply] = []
    for node in graph.walk():
        owned = owned_weights(node) if isinstance(node, Apply) else None
        if owned is not None and isinstance(node, Apply):
            text = constructor(node)
            if text is not None and first.setdefault(owned[0], text) != text:
                found.append(node)
    return found


def _is_open(program: Program, folder: Path) -> bool:
    """Whether all that a model does is done by Keras' own layers and operations on symbolic tensors.

    Not so: weights that are read outside of layers, inputs that may be left out, sizes taken from shapes at run time,
    and control flow.
    """
    if any(v.default is not None for v in program.entry.inputs):
        return False
    if "ops.shape(" in (folder / "model.py").read_text(encoding="utf-8"):
        return False
    for graph in program.graphs():
        clashing = _clashing(graph)
        for node in graph.walk():
            layered = (isinstance(node, Apply) and node not in clashing and owned_weights(node) is not None
                       and layer_of(node) is not None)
            if regions(node) or (not layered and any(isinstance(v, Weight) for v in node.operands)):
                return False
    return bool(program.entry.inputs)


def _require(program: Program) -> None:
    kept = is_kept(program)
    missing = [node for graph in program.graphs() for node in graph.walk()
               if isinstance(node, Apply) and (node.op.name in TABLE.refusals or not kept(node))]
    if missing:
        raise Unsupported(*(Diagnostic("E0601", f"keras cannot express `{n.op.name}`: {TABLE.refusal(n)}", n.span)
                            for n in missing))


def write_folder(program: Program, where: Path, options: Options) -> None:
    """model.py and weights.safetensors."""
    stored = variables(program)
    (where / "model.py").write_text(source(program, stored), encoding="utf-8")
    if stored:
        write_variables(where / "weights.safetensors", stored, program.values, {"io_layout": options.io_layout})


def source(program: Program, stored: list[Stored]) -> str:
    """The text of model.py for a prepared program."""
    others = {v.type.dtype.name for g in program.graphs() for n in g.walk() for v in n.outputs
              if v.type.dtype.is_float} - {"f32"}
    autocast = "autocast=False, " if others else ""
    package = identifier(program.name.lower(), "model")
    style = Style("layers.Layer", "call", _IMPORTS, lambda name: _footer(program, name, stored),
                  initialise=f"super().__init__({autocast}**kwargs)", rest="**kwargs", explicit=bool(others),
                  entry_base="keras.Model", methods=_SYMBOLIC if _needs_exact_sizes(program) else (),
                  decorator=f"@keras.saving.register_keras_serializable(package={literal(package)})")
    text = write_source(program, KerasDialect(), style)
    return text.replace(_SYMBOLIC_TEXT, "") if "ops.shape(" in text else text


_SYMBOLIC = (
    "def compute_output_spec(self, *inputs):",
    "    return self.call(*inputs)  # sizes stay open: a made-up one would not be a multiple as it must be",
)
_SYMBOLIC_TEXT = "".join(f"\n{line}" for line in ["", *(f"    {line}" for line in _SYMBOLIC)])


def _needs_exact_sizes(program: Program) -> bool:
    """Whether sizes are assumed to be multiples of numbers, in a program without control flow.

    JAX and PyTorch trace a layer with a number in the place of an open size, which is no such multiple. Where a size is
    read from a shape at run time there is no other way than tracing.
    """
    dims = {d for g in program.graphs() for v in [*g.inputs, *(o for n in g.nodes for o in n.outputs)]
            for d in v.type.shape if isinstance(d, Expr)}
    assumed = any(isinstance(atom, Quotient) for d in dims for monomial, _ in d.terms for atom, _ in monomial)
    return assumed and not any(isinstance(n, Apply) and regions(n) for g in program.graphs() for n in g.nodes)


def _footer(program: Program, name: str, stored: list[Stored]) -> str:
    """`load()`, and what it needs."""
    inputs = argument_names(program.entry, KerasDialect())
    lines = [f"def load({'weights=None' if stored else ''}):", f'    """Return the model{_DOC if stored else "."}"""']
    lines += [f"    {n} = {_input(v)}" for n, v in zip(inputs, program.entry.inputs, strict=True)]
    lines.append(f"    network = {name}()")
    given = inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"
    result = "model"
    if inputs:
        lines.append(f"    model = keras.Model({given}, network({', '.join(inputs)}))")
    else:
        result = "network"
        lines.append("    network.call()  # makes the variables; a model without inputs is computed by `call`")
    before = ""
    if stored:
        file = 'weights or Path(__file__).with_name("weights.safetensors")'
        lines.append(f"    for path, array in load_file({file}).items():")
        if has_dictionary(program) or has_list(stored):
            before = _FIND_IN_DICTIONARIES if has_dictionary(program) else _FIND
            lines.append("        find(network, path).assign(array)")
        else:
            lines.append("        attrgetter(path)(network).assign(array)")
    return before + "\n".join([*lines, f"    return {result}"])


_DOC = " with its weights: those in `weights`, or in weights.safetensors beside this file."


def _input(value: Input) -> str:
    """`keras.Input((28, 28, 1), name="image")`; with its batch axis where that is a number."""
    dims = [d if isinstance(d, int) else None for d in value.type.shape]
    if dims and dims[0] is None:
        shape = literal(tuple(dims[1:]))
    else:
        shape = f"batch_shape={literal(tuple(dims))}"
    kind = "" if value.type.dtype.name == "f32" else f", dtype={literal(DTYPES[value.type.dtype.name])}"
    optional = ", optional=True" if value.default is not None else ""
    return f"keras.Input({shape}{kind}, name={literal(value.name)}{optional})"


def _notes(program: Program) -> list[str]:
    """What training with the written source does otherwise than the graph says."""
    kinds = {n.op.name for g in program.graphs() for n in g.walk() if isinstance(n, Apply)}
    notes: list[str] = []
    if "batch_norm" in kinds:
        notes.append("moving_variance moves by the biased variance of the batch, as Keras does it")
    if kinds & {"lstm", "rnn"}:
        notes.append("the two biases of recurrent layers are one in Keras, and get one gradient")
    if kinds & {"linear", "conv1d", "conv2d", "conv3d"}:
        notes.append("layers that start from U(-1/sqrt(n), 1/sqrt(n)) start from Keras' own rule if built without "
                     "the weight file")
    return notes
