"""How Keras code looks: layers, containers, weights, constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.ir.graph import Apply, Input, Node, Value, Weight
from dlc.ir.types import TensorType
from dlc.targets.keras.constants import filled_input, tensor
from dlc.targets.keras.initialisers import initialiser
from dlc.targets.keras.table import DTYPES, LAYERS, TABLE, KerasLayer
from dlc.targets.source.code import Code, lit, literal
from dlc.targets.source.dialect import Function, Layer, Result, Site
from dlc.targets.source.layers import Member
from dlc.targets.source.names import identifier, is_plain

_NAMES = """
activity_regularizer add_loss add_metric add_variable add_weight autocast build build_from_config built call compile
compile_from_config compiled compiled_loss compiled_metrics compute_dtype compute_loss compute_mask compute_metrics
compute_output_shape compute_output_spec count_params distribute_reduction_method distribute_strategy dtype
dtype_policy evaluate export fit from_config get_build_config get_compile_config get_config get_layer
get_metrics_result get_quantization_layer_structure get_state_tree get_weights input input_dtype input_names
input_spec inputs jit_compile layers load_own_variables load_weights loss losses make_predict_function
make_test_function make_train_function metrics metrics_names metrics_variables name non_trainable_variables
non_trainable_weights optimizer output output_names outputs path predict predict_function predict_on_batch
predict_step quantization_mode quantize quantized_build quantized_call rematerialized_call reset_metrics run_eagerly
save save_own_variables save_weights set_state_tree set_weights stateless_call stateless_compute_loss
steps_per_execution stop_training summary supports_jit supports_masking symbolic_call test_function test_on_batch
test_step to_json train_function train_on_batch train_step trainable trainable_variables trainable_weights
variable_dtype variables weights
"""
_TORCH_NAMES = """
T_destination add_module apply bfloat16 buffers call_super_init children cpu cuda double dump_patches eval extra_repr
float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer
register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory
state_dict to to_empty train training type xpu zero_grad
"""
_LAYER_ATTRIBUTES = frozenset([*_NAMES.split(), *_TORCH_NAMES.split()])
"""Names of `keras.Model` that a member would hide; on the PyTorch backend it is an `nn.Module` too."""


def attribute(name: str) -> str:
    """The attribute that a member becomes."""
    return name if is_plain(name) and name not in _LAYER_ATTRIBUTES else f"{identifier(name, 'member').rstrip('_')}_"


class KerasDialect:
    """The source writer's view of Keras."""

    reserved = frozenset({"Path", "keras", "layers", "load", "load_file", "ops"})
    unsafe = _LAYER_ATTRIBUTES
    identity = "layers.Identity()"

    def fills_in(self, value: Value, name: str, earlier: Sequence[str]) -> bool:
        """`training`; and masks, which Keras looks for where none is given."""
        absent = isinstance(value, Input) and value.default is not None
        return name == "training" or (absent and name in ("mask", *(f"{k}_mask" for k in earlier)))

    def write(self, site: Site) -> Result:
        writer = TABLE.writer(site.node)
        assert writer is not None, f"{site.node!r} is neither written, lowered nor refused"
        return writer(site)

    def layer(self, node: Apply) -> Layer | None:
        return layer_of(node)

    def axis(self, variable: str, index: int) -> str:
        return f"ops.shape({variable})[{index}]"

    def constant(self, value: Any, type: TensorType, function: Function) -> Code:
        return tensor(value, type)

    def filled(self, value: float | bool, type: TensorType, function: Function) -> Code:
        return filled_input(value, type, function)

    def weight(self, owner: str, member: Member, name: str, node: Node | None) -> str:
        if isinstance(node, Apply):
            layer = layer_of(node)
            for own, text in layer.reads if layer is not None else ():
                if own == name:
                    return text.replace("{self}", owner)
        return f"{owner}.{attribute(name)}"

    def new_weight(self, weight: Weight, owner: str, name: str) -> list[str]:
        type_ = weight.type
        start = initialiser(weight.initializer)
        kind = "" if type_.dtype.name == "f32" else f", dtype={literal(DTYPES[type_.dtype.name])}"
        frozen = "" if weight.trainable else ", trainable=False"
        shape = lit(tuple(type_.shape), "shape")
        begin = "" if start is None else f", initializer={start}"
        made = f"{owner}.{attribute(name)} = {owner}.add_weight({shape}{begin}{kind}{frozen}, name={literal(name)})"
        return [made] if owner == "self" else [made, f"{owner}.built = True"]

    def new_container(self, member: Member, items: dict[str, str]) -> str:
        if not items:
            return "layers.Layer()"
        if member.is_list:
            return f"[{', '.join(items.values())}]"
        return "{" + ", ".join(f"{literal(k)}: {v}" for k, v in items.items()) + "}"

    def new_repeated(self, member: Member, item: str, count: str) -> str:
        return f"[{item} for _ in range({count})]"

    def element(self, container: str, member: Member, key: str) -> str:
        if member.is_list:
            return f"{container}[{key}]"
        if member.is_dictionary and member.path:
            return f"{container}[{literal(key)}]"
        return f"{container}.{attribute(key)}"

    def is_sequence(self, member: Member) -> bool:
        return False

    def finish(self, value: Value, text: str) -> str:
        return text


def layer_of(node: Apply) -> KerasLayer | None:
    """The layer form of a node, in its element type; None where there is none."""
    writer = LAYERS.get(node.op.name)
    found = writer(node) if writer is not None else None
    kind = node.outputs[0].type.dtype
    if found is None or kind.name == "f32" or not kind.is_float:
        return found
    comma = "" if found.constructor.endswith("()") else ", "
    typed = f"{found.constructor[:-1]}{comma}dtype={literal(DTYPES[kind.name])})"
    return KerasLayer(typed, found.call, found.after, found.variables, found.reads)
