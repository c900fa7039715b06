"""How PyTorch code looks: members, containers, parameters, constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.ir.graph import Apply, Node, Value, Weight
from dlc.ir.types import TensorType
from dlc.targets.source.code import Code, call, lit, literal
from dlc.targets.source.dialect import Function, Layer, Result, Site
from dlc.targets.source.layers import Member
from dlc.targets.source.names import is_plain
from dlc.targets.torch.constants import tensor
from dlc.targets.torch.initialisers import initialiser, new_tensor
from dlc.targets.torch.table import DTYPES, LAYERS, TABLE

_MODULE_ATTRIBUTES = frozenset({
    "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile",
    "cpu", "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer",
    "get_extra_state", "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia",
    "named_buffers", "named_children", "named_modules", "named_parameters", "parameters",
    "register_backward_hook", "register_buffer", "register_forward_hook", "register_forward_pre_hook",
    "register_full_backward_hook", "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook", "register_module", "register_parameter", "register_state_dict_post_hook",
    "register_state_dict_pre_hook", "requires_grad_", "set_extra_state", "set_submodule", "share_memory",
    "state_dict", "to", "to_empty", "train", "training", "type", "xpu", "zero_grad",
})


class TorchDialect:
    """The source writer's view of PyTorch."""

    reserved = frozenset({"F", "Path", "load", "load_file", "math", "nn", "torch"})
    identity = "nn.Identity()"
    unsafe = _MODULE_ATTRIBUTES

    def fills_in(self, value: Value, name: str, earlier: Sequence[str]) -> bool:
        return False

    def write(self, site: Site) -> Result:
        writer = TABLE.writer(site.node)
        assert writer is not None, f"{site.node!r} is neither written, lowered nor refused"
        return writer(site)

    def layer(self, node: Apply) -> Layer | None:
        writer = LAYERS.get(node.op.name)
        if writer is None:
            return None
        found = writer(node)
        kind = node.outputs[0].type.dtype.name
        if found is None or kind == "f32" or kind not in DTYPES:
            return found
        typed = f"{found.constructor[:-1]}{'' if found.constructor.endswith('()') else ', '}dtype=torch.{DTYPES[kind]})"
        return Layer(typed, found.call, found.after)

    def axis(self, variable: str, index: int) -> str:
        return f"{variable}.shape[{index}]"

    def constant(self, value: Any, type: TensorType, function: Function) -> Code:
        return tensor(value, type, function)

    def filled(self, value: float | bool, type: TensorType, function: Function) -> Code:
        sizes = [function.size(d, "size", []) for d in type.shape]
        shape = f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
        kind = {} if type.dtype.name == "f32" else {"dtype": f"torch.{DTYPES[type.dtype.name]}"}
        place = {"device": f"{function.any_tensor}.device"} if function.any_tensor else {}
        if value in (0, 1) and type.dtype.kind != "bool" and sizes:
            return call("torch.zeros" if value == 0 else "torch.ones", *sizes, **kind, **place)
        return call("torch.full", shape, literal(value), **kind, **place)

    def weight(self, owner: str, member: Member, name: str, node: Node | None) -> str:
        if all(is_plain(part) and part not in self.unsafe for part in name.split(".")):
            return f"{owner}.{name}"
        return f"{owner}.get_parameter({literal(name)})"

    def new_weight(self, weight: Weight, owner: str, name: str) -> list[str]:
        type_ = weight.type
        sizes = ", ".join(lit(d, "size") for d in type_.shape if isinstance(d, int)) or "()"
        kind = "" if type_.dtype.name == "f32" else f", dtype=torch.{DTYPES[type_.dtype.name]}"
        value = new_tensor(weight, sizes + kind)
        safe = is_plain(name) and name not in self.unsafe
        if weight.state:
            return [f"{owner}.register_buffer({literal(name)}, {value})"]
        frozen = "" if weight.trainable else ", requires_grad=False"
        made = f"nn.Parameter({value}{frozen})"
        target = f"{owner}.{name}" if safe else f"{owner}._parameters[{literal(name)}]"
        lines = [f"{target} = {made}"]
        if value.startswith("torch.empty"):
            lines += initialiser(weight, target)
        return lines

    def new_container(self, member: Member, items: dict[str, str]) -> str:
        if not items:
            return "nn.Module()"
        if self.is_sequence(member):
            return call("nn.Sequential", *items.values())
        if member.is_list:
            return f"nn.ModuleList([{', '.join(items.values())}])"
        return "nn.ModuleDict({" + ", ".join(f"{literal(k)}: {v}" for k, v in items.items()) + "})"

    def new_repeated(self, member: Member, item: str, count: str) -> str:
        loop = f"[{item} for _ in range({count})]"
        return f"nn.Sequential(*{loop})" if self.is_sequence(member) else f"nn.ModuleList({loop})"

    def element(self, container: str, member: Member, key: str) -> str:
        child = member.children[key]
        if member.is_list:
            return f"{container}[{key}]"
        if member.is_dictionary and member.path:
            return f"{container}[{literal(key)}]"
        if child.weight is not None:
            return f"{container}.{'_buffers' if child.weight.state else '_parameters'}[{literal(key)}]"
        return f"{container}._modules[{literal(key)}]"

    def is_sequence(self, member: Member) -> bool:
        """One tensor in, one out, and nothing else: what nn.Sequential can call."""
        if not member.chain:
            return False
        first = member.chain[0]
        inputs = [v for v in first.operands if v is not None and not isinstance(v, Weight)]
        return len(inputs) == 1 and len(first.outputs) == 1

    def finish(self, value: Value, text: str) -> str:
        return text
